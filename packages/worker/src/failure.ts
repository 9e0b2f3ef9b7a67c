import { RequestError } from 'got'
import type { Failure } from './answer.ts'
import { errorCode } from './error-code.ts'

const BY_CODE: Readonly<Record<string, Failure>> = {
  ETIMEDOUT: 'timeout',
  ECONNREFUSED: 'connection_refused',
  CERT_HAS_EXPIRED: 'certificate_expired',
  CERT_NOT_YET_VALID: 'certificate_not_yet_valid',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate_wrong_name',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'client_certificate_required',
}

const LOST_CONNECTION = ['ECONNRESET', 'EPIPE', 'ECONNABORTED']
/** What else OpenSSL finds in a chain of certificates, as Node names it. */
const BROKEN_CHAIN = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_|PATH_LENGTH_|HOSTNAME_MISMATCH)/
/** What OpenSSL says of a peer that knows no common version of TLS, or none at all. */
const OTHER_VERSION = /alert protocol version|unsupported protocol|wrong version number|packet length too long/i
const CERTIFICATE_REQUIRED = /alert certificate required/i

const NO_PROXY = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN']

/**
 * Names what kept an answer from coming. By codes, as far as they tell: messages can quote addresses, files and what was
 * sent.
 *
 * @param proxied whether it was our own proxy that was connected to
 */
export function nameFailure(error: unknown, { proxied }: { readonly proxied: boolean }): Failure {
  const code = errorCode(error)
  if (proxied && NO_PROXY.includes(code)) return 'proxy_failed'
  if (code === 'ERR_PROXY_TUNNEL') return isGatewayTrouble(error) ? 'unreachable' : 'proxy_failed'
  const known = BY_CODE[code]
  if (known !== undefined) return known
  if (LOST_CONNECTION.includes(code)) {
    return error instanceof RequestError && error.request?.reusedSocket ? 'stale_connection' : 'connection_lost'
  }
  if (code.startsWith('HPE_')) return 'unreadable_answer'
  if (BROKEN_CHAIN.test(code)) return 'certificate_untrusted'
  if (code === 'EPROTO' || /^ERR_(TLS|SSL|OSSL)/.test(code)) return nameTlsFailure(error)
  return 'unreachable'
}

/** A proxy that works says by these that the receiver does not: RFC 9110 §15.6. */
function isGatewayTrouble(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'statusCode' in cause && [502, 503, 504].includes(Number(cause.statusCode))
}

function nameTlsFailure(error: unknown): Failure {
  const message = error instanceof Error ? error.message : ''
  if (OTHER_VERSION.test(message)) return 'tls_version'
  return CERTIFICATE_REQUIRED.test(message) ? 'client_certificate_required' : 'tls_failed'
}
