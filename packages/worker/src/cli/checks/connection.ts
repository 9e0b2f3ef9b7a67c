import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { connect as connectTcp, isIP, type LookupFunction } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { errorCode } from '../../error-code.ts'

/** What came of an attempt to connect. */
export type Connection =
  | { readonly kind: 'connected' }
  | { readonly kind: 'secured'; readonly protocol: string; readonly validTo: Date }
  | { readonly kind: 'failed'; readonly failure: ConnectionFailure }

/** Why there is no connection. */
export type ConnectionFailure =
  | 'name_not_resolved'
  | 'timeout'
  | 'connection_refused'
  | 'connection_lost'
  | 'certificate_expired'
  | 'certificate_not_yet_valid'
  | 'certificate_wrong_name'
  | 'certificate_untrusted'
  | 'tls_failed'
  | 'unreachable'

/** Looks a host's addresses up, at least one. */
export type Resolve = (hostname: string, signal: AbortSignal) => Promise<readonly string[]>

/**
 * Connects to an endpoint as a push would, up to the point where a request would be sent, and lets go.
 *
 * @param resolve the place for a policy: no other address is connected to than those it gives
 */
export async function tryConnection(url: URL, withinMs: number, resolve: Resolve = resolveName): Promise<Connection> {
  const signal = AbortSignal.timeout(withinMs)
  try {
    const host = url.hostname.replaceAll(/[[\]]/g, '')
    const addresses = isIP(host) === 0 ? await resolve(host, signal) : [host]
    return await open(url, host, { addresses, signal })
  } catch (error) {
    return { kind: 'failed', failure: signal.aborted ? 'timeout' : nameFailure(errorCode(error)) }
  }
}

async function open(
  { protocol, port }: URL,
  host: string,
  { addresses, signal }: { readonly addresses: readonly string[]; readonly signal: AbortSignal },
): Promise<Connection> {
  const lookup: LookupFunction = (_, { all }, callback) => {
    const found = addresses.map((address) => ({ address, family: isIP(address) }))
    if (all) callback(null, found)
    else callback(null, found[0]?.address ?? '', found[0]?.family)
  }
  const isSecure = protocol === 'https:'
  const target = { host, port: Number(port) || (isSecure ? 443 : 80), lookup }
  const socket = isSecure
    ? connectTls({ ...target, minVersion: 'TLSv1.2', rejectUnauthorized: true })
    : connectTcp(target)
  socket.on('error', () => undefined) // one may follow when all has been said
  try {
    await once(socket, isSecure ? 'secureConnect' : 'connect', { signal })
    if (!('getPeerX509Certificate' in socket)) return { kind: 'connected' }
    const validTo = socket.getPeerX509Certificate()?.validToDate
    return validTo === undefined
      ? { kind: 'failed', failure: 'tls_failed' }
      : { kind: 'secured', protocol: socket.getProtocol() ?? 'TLS', validTo }
  } finally {
    socket.destroy()
  }
}

/** By c-ares: what `dns.lookup` asks cannot be taken back, and would keep the process from its end. */
async function resolveName(hostname: string, signal: AbortSignal): Promise<readonly string[]> {
  const resolver = new Resolver()
  const cancel = () => resolver.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    const found = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
    const addresses = found.flatMap((family) => (family.status === 'fulfilled' ? family.value : []))
    if (addresses.length > 0) return addresses
    throw found[0].status === 'rejected' ? found[0].reason : new TypeError('no address, and no error')
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

const FAILURES: Readonly<Record<string, ConnectionFailure>> = {
  ETIMEDOUT: 'timeout',
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_lost',
  EPIPE: 'connection_lost',
  CERT_HAS_EXPIRED: 'certificate_expired',
  CERT_NOT_YET_VALID: 'certificate_not_yet_valid',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate_wrong_name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate_untrusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate_untrusted',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate_untrusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate_untrusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate_untrusted',
  CERT_UNTRUSTED: 'certificate_untrusted',
  ENOTFOUND: 'name_not_resolved',
  ENODATA: 'name_not_resolved',
  ESERVFAIL: 'name_not_resolved',
  EREFUSED: 'name_not_resolved',
  ETIMEOUT: 'name_not_resolved',
  EBADNAME: 'name_not_resolved',
}

function nameFailure(code: string): ConnectionFailure {
  const known = FAILURES[code]
  if (known !== undefined) return known
  return /^(EPROTO|ERR_TLS|ERR_SSL)|CERT/.test(code) ? 'tls_failed' : 'unreachable'
}
