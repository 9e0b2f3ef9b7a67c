import { checkEndpointUrl, type EndpointRules } from '../../endpoint-url.ts'
import type { Stream } from '../queries/streams.ts'
import { type ConnectionFailure, tryConnection } from './connection.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

/** How endpoints are looked at. */
export interface EndpointCheck {
  readonly rules: EndpointRules
  readonly timeoutMs: number
  /** By the database's clock. */
  readonly now: Date
}

const DAY_MS = 86_400_000
const EXPIRES_SOON_DAYS = 21

/** Checks that a stream's endpoint could be pushed to: name, connection, certificate. No request is made. */
export async function checkEndpoint(
  { id, endpoint_url: url }: Pick<Stream, 'id' | 'endpoint_url'>,
  { rules, timeoutMs, now }: EndpointCheck,
): Promise<Finding> {
  const check = `stream ${id}`
  const wrong = checkEndpointUrl(url, rules)
  if (wrong !== undefined)
    return problem(check, `its URL ${wrong}`, `set another: risc-worker stream set ${id} --url …`)
  const connection = await tryConnection(new URL(url), timeoutMs)
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
  tls_failed: ['TLS 1.2 or newer cannot be agreed on', 'ask the receiver'],
  unreachable: ['cannot be reached', 'check the network of this host, or ask the receiver'],
}
