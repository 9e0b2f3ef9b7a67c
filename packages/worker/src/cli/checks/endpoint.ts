import type { NetworkConfig } from '../../config.ts'
import { endpointRules, judgeEndpoint, type Resolve } from '../../endpoint.ts'
import type { StreamConnection } from '../../stream-connection.ts'
import { type ConnectionFailure, tryConnection } from './connection.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

/** How endpoints are looked at. */
export interface EndpointCheck {
  readonly network: NetworkConfig
  readonly resolve: Resolve
  readonly timeoutMs: number
  /** By the database's clock. */
  readonly now: Date
}

const DAY_MS = 86_400_000
const EXPIRES_SOON_DAYS = 21

/** An endpoint of a stream, by the option that sets it. */
export interface CheckedEndpoint {
  readonly streamId: string
  readonly option: '--url' | '--oauth-token-url'
  readonly connection: StreamConnection
}

/** Checks that an endpoint could be asked: name, connection, certificate. No request is made. */
export async function checkEndpoint(
  { streamId: id, option, connection: stream }: CheckedEndpoint,
  { network, resolve, timeoutMs: withinMs, now }: EndpointCheck,
): Promise<Finding> {
  const check = option === '--url' ? `stream ${id}` : `stream ${id}, token endpoint`
  const startedAt = performance.now()
  const endpoint = await judgeEndpoint(stream.endpointUrl, endpointRules(stream, network), { resolve, withinMs })
  if (endpoint.kind === 'unresolved') return problem(check, ...FAILURES.name_not_resolved)
  if (endpoint.kind === 'blocked') {
    const advice = endpoint.rule === 'address_private' ? '--allow-network …, if it is meant to be' : `${option} …`
    return problem(check, `its URL ${endpoint.problem}`, `change it: risc-worker stream set ${id} ${advice}`)
  }
  if (network.httpsProxy !== undefined) return ok(check, 'its URL may be pushed to; a proxy is asked for the rest')
  const connection = await tryConnection(stream, endpoint.addresses, withinMs - (performance.now() - startedAt))
  switch (connection.kind) {
    case 'connected':
      return ok(check, 'accepts connections, without TLS')
    case 'secured':
      return judgeCertificate(check, connection, now)
    case 'failed':
      return problem(check, ...FAILURES[connection.failure])
    default:
      return connection satisfies never
  }
}

function judgeCertificate(
  check: string,
  { protocol, validTo }: { protocol: string; validTo: Date },
  now: Date,
): Finding {
  const days = Math.floor((validTo.getTime() - now.getTime()) / DAY_MS)
  const finding = `${protocol}, certificate valid for ${days} days`
  return days > EXPIRES_SOON_DAYS
    ? ok(check, finding)
    : warning(check, finding, 'remind the receiver to renew it: nothing is delivered once it has expired')
}

/** What each failure means, and what to do; nothing of what an address answered. */
const FAILURES: Readonly<Record<ConnectionFailure, readonly [finding: string, advice: string]>> = {
  name_not_resolved: ['its host name cannot be resolved', 'check the URL, and the DNS of this host'],
  timeout: ['does not let a connection be made in time', 'check firewalls on the way, or ask the receiver'],
  connection_refused: ['refuses connections', 'ask the receiver whether it is up'],
  connection_lost: ['ends connections before TLS is there', 'ask the receiver; a firewall may do it too'],
  certificate_expired: ['its certificate has expired', 'the receiver has to renew it'],
  certificate_not_yet_valid: ['its certificate is not valid yet', 'check the clock of this host, or ask the receiver'],
  certificate_wrong_name: ['its certificate is for another name', 'check the URL, or ask the receiver'],
  certificate_untrusted: [
    'its certificate is of an authority that is not trusted here',
    'ask the receiver for its chain',
  ],
  client_certificate_required: [
    'it demands a client certificate',
    'give the stream one: risc-worker stream set --client-certificate …',
  ],
  tls_version: ['it speaks no TLS as new as 1.2', 'check the port, or ask the receiver'],
  tls_failed: ['TLS cannot be agreed on', 'check the certificates of the stream, or ask the receiver'],
  unreachable: ['cannot be reached', 'check the network of this host, or ask the receiver'],
}
