import type { TokenError, TokenProblem, TokenTrouble } from './answer.ts'

/** What a token endpoint answered. */
export type TokenAnswer =
  | { readonly kind: 'token'; readonly token: string; readonly lifetimeMs: number }
  | Exclude<TokenProblem, { kind: 'token_blocked' }>

const ERRORS = [
  'invalid_client',
  'unauthorized_client',
  'invalid_scope',
  'invalid_grant',
  'invalid_request',
  'invalid_target',
  'unsupported_grant_type',
] as const satisfies readonly TokenError[]

const LIFETIME_UNTOLD_MS = 5 * 60 * 1000
/** A server may forget its secret or a client's rights: so no token is kept for longer, whatever it says. */
const LONGEST_LIFETIME_MS = 24 * 60 * 60 * 1000
/** What a bearer token may consist of (RFC 6750 §2.1): nothing that could end a header. */
const SENDABLE = /^[A-Za-z0-9._~+/-]+=*$/

/**
 * Reads the answer of a token endpoint (RFC 6749 §5). Of a refusal only a known code is kept: its words may quote what
 * was sent.
 */
export function readTokenAnswer({
  status,
  body,
  retryAfterMs,
}: {
  readonly status: number
  readonly body: string
  readonly retryAfterMs: number | undefined
}): TokenAnswer {
  const said = parse(body)
  if (status === 200) return readToken(said)
  const error = status >= 400 && status < 500 ? ERRORS.find((code) => code === said['error']) : undefined
  if (error !== undefined) return { kind: 'token_refused', error }
  if (status === 401) return { kind: 'token_refused', error: 'invalid_client' }
  return { kind: 'token_unavailable', cause: nameTrouble(status), ...(retryAfterMs !== undefined && { retryAfterMs }) }
}

function readToken({ access_token, token_type, expires_in }: Record<string, unknown>): TokenAnswer {
  const isBearer = typeof token_type === 'string' && token_type.toLowerCase() === 'bearer'
  if (!isBearer || typeof access_token !== 'string' || !SENDABLE.test(access_token)) {
    return { kind: 'token_unavailable', cause: 'unreadable_answer' }
  }
  return { kind: 'token', token: access_token, lifetimeMs: readLifetime(expires_in) }
}

/** Seconds; some servers write them as text. */
function readLifetime(expiresIn: unknown): number {
  const seconds = typeof expiresIn === 'string' && /^\d{1,15}$/.test(expiresIn) ? Number(expiresIn) : expiresIn
  if (typeof seconds !== 'number' || Number.isNaN(seconds)) return LIFETIME_UNTOLD_MS
  return Math.min(Math.max(seconds * 1000, 0), LONGEST_LIFETIME_MS)
}

function nameTrouble(status: number): TokenTrouble {
  if (status === 429) return 'rate_limited'
  if (status >= 500) return 'server_error'
  return status >= 300 && status < 400 ? 'redirected' : 'unexpected_status'
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
