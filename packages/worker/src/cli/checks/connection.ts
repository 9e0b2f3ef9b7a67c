import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { lookUpIn, secureContext } from '../../agents.ts'
import type { Failure } from '../../answer.ts'
import { literalAddress } from '../../endpoint-url.ts'
import { nameFailure } from '../../failure.ts'
import type { StreamConnection, StreamTls } from '../../stream-connection.ts'

/** What came of an attempt to connect. */
export type Connection =
  | { readonly kind: 'connected' }
  | { readonly kind: 'secured'; readonly protocol: string; readonly validTo: Date }
  | { readonly kind: 'failed'; readonly failure: ConnectionFailure }

/** Why there is no connection. */
export type ConnectionFailure = Exclude<Failure, 'stale_connection' | 'unreadable_answer' | 'proxy_failed'>

/** How long a receiver has to say that it does not want us after all. */
const REFUSED_WITHIN_MS = 1000

/** Connects to an endpoint as a push would, up to the point where a request would be sent, and lets go. */
export async function tryConnection(
  { endpointUrl, tls }: Pick<StreamConnection, 'endpointUrl' | 'tls'>,
  addresses: readonly string[],
  withinMs: number,
): Promise<Connection> {
  const signal = AbortSignal.timeout(Math.max(Math.ceil(withinMs), 1))
  try {
    return await open(new URL(endpointUrl), { tls, addresses, signal })
  } catch (error) {
    return { kind: 'failed', failure: signal.aborted ? 'timeout' : failureOf(error) }
  }
}

async function open(
  { protocol, hostname, port }: URL,
  { tls, addresses, signal }: { tls: StreamTls; addresses: readonly string[]; signal: AbortSignal },
): Promise<Connection> {
  const isSecure = protocol === 'https:'
  const literal = literalAddress(hostname)
  const host = literal ?? hostname
  const servername = literal === undefined ? hostname : ''
  const target = { host, port: Number(port) || (isSecure ? 443 : 80), lookup: lookUpIn(() => addresses) }
  const socket = isSecure
    ? connectTls({ ...target, servername, secureContext: secureContext(tls), rejectUnauthorized: true })
    : connectTcp(target)
  socket.on('error', () => undefined) // one may follow when all has been said
  try {
    await once(socket, isSecure ? 'secureConnect' : 'connect', { signal })
    if (!('getPeerX509Certificate' in socket)) return { kind: 'connected' }
    const validTo = socket.getPeerX509Certificate()?.validToDate
    if (validTo === undefined) return { kind: 'failed', failure: 'tls_failed' }
    const protocol = socket.getProtocol() ?? 'TLS'
    const refusal = await takeLeave(socket, signal)
    return refusal === undefined ? { kind: 'secured', protocol, validTo } : { kind: 'failed', failure: refusal }
  } finally {
    socket.destroy()
  }
}

/**
 * By TLS 1.3 a client is done before its certificate, or that it has none, is judged, so a refusal comes as an alert
 * afterwards (RFC 8446 §4.4.2.4). A receiver that just hangs up, or never does, has refused nothing.
 */
async function takeLeave(socket: TLSSocket, signal: AbortSignal): Promise<ConnectionFailure | undefined> {
  try {
    socket.resume().end()
    await once(socket, 'close', { signal: AbortSignal.any([signal, AbortSignal.timeout(REFUSED_WITHIN_MS)]) })
    return undefined
  } catch (error) {
    const failure = failureOf(error)
    return failure === 'client_certificate_required' || failure === 'tls_failed' ? failure : undefined
  }
}

/** No connection is used twice here, and nothing is read. */
function failureOf(error: unknown): ConnectionFailure {
  const failure = nameFailure(error, { proxied: false })
  return failure === 'stale_connection' || failure === 'unreadable_answer' || failure === 'proxy_failed'
    ? 'connection_lost'
    : failure
}
