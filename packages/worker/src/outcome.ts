import type { Answer, Failure } from './answer.ts'
import type { EndpointRule } from './endpoint-url.ts'
import type { CredentialCause } from './sealed-credential.ts'

/** Error codes a receiver may refuse a SET with (RFC 8935 §2.4, SSF 1.0 §8.1.4.1), as far as waiting cannot cure them. */
const FINAL_ERRORS = ['invalid_request', 'invalid_issuer', 'invalid_audience', 'invalid_state'] as const
const CREDENTIAL_ERRORS = ['authentication_failed', 'access_denied'] as const

/** Refusals that repeating the same bytes cannot turn. */
export type RefusalReason = (typeof FINAL_ERRORS)[number] | 'refused'
/** Troubles that pass. */
export type RetryReason =
  | Failure
  | 'token_unavailable'
  | 'invalid_key'
  | 'not_found'
  | 'rate_limited'
  | 'server_error'
  | 'unexpected_status'
/** Troubles that somebody has to end, with every delivery of the stream alike. */
export type HoldReason = (typeof CREDENTIAL_ERRORS)[number] | 'redirected' | 'token_refused' | 'credential_unavailable'
/** Troubles that end sending to the stream. */
export type PauseReason = 'receiver_gone' | EndpointRule | `token_${EndpointRule}`

/** What one attempt meant. A receiver's "no" is a value; only bugs and outages are thrown. */
export type Outcome =
  | { readonly kind: 'accepted'; readonly status: number }
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly status: number; readonly description?: string }
  | {
      readonly kind: 'retry'
      readonly reason: RetryReason
      readonly status?: number
      readonly description?: string
      readonly counts: boolean
      readonly notBeforeMs?: number
      /** For how long the receiver asks to be left alone, with whatever it may be. */
      readonly waitsMs?: number
    }
  | {
      readonly kind: 'hold'
      readonly reason: Exclude<HoldReason, 'credential_unavailable'>
      readonly status?: number
      readonly description?: string
    }
  | {
      readonly kind: 'hold'
      readonly reason: 'credential_unavailable'
      readonly cause: CredentialCause
      readonly status?: never
    }
  | { readonly kind: 'pause'; readonly reason: PauseReason; readonly status?: number }

/** Gives a receiver time to fetch the new key: its copy of the JWKS may be cached for minutes. */
const KEY_REFRESH_MS = 5 * 60 * 1000
const RECONNECT_MS = 1000

/**
 * Says what an answer means (RFC 8935 §2.2–2.4; RFC 9110 for the statuses it leaves open).
 *
 * @param lastReason what the attempt before came to: some troubles are excused only once
 */
export function judge(answer: Exclude<Answer, { kind: 'aborted' }>, lastReason?: string): Outcome {
  switch (answer.kind) {
    case 'response':
      return judgeResponse(answer)
    case 'failure':
      return judgeFailure(answer.failure, lastReason)
    case 'blocked':
      return { kind: 'pause', reason: answer.rule }
    case 'credential_unavailable':
      return { kind: 'hold', reason: answer.kind, cause: answer.cause }
    case 'token_refused':
      return { kind: 'hold', reason: 'token_refused', description: answer.error }
    case 'token_unavailable':
      return withoutToken(answer)
    case 'token_blocked':
      return { kind: 'pause', reason: `token_${answer.rule}` }
    default:
      return answer satisfies never
  }
}

/**
 * What our own proxy does says nothing of the receiver. Nor does a kept connection that the receiver had closed
 * meanwhile: try again on a new one. Twice in a row, it may be what the receiver does on reading this very SET.
 */
function judgeFailure(failure: Failure, lastReason: string | undefined): Outcome {
  if (failure === 'proxy_failed') return { kind: 'retry', reason: failure, counts: false }
  if (failure !== 'stale_connection') return { kind: 'retry', reason: failure, counts: true }
  if (lastReason === failure) return { kind: 'retry', reason: 'connection_lost', counts: true }
  return { kind: 'retry', reason: failure, counts: false, notBeforeMs: RECONNECT_MS }
}

/** The receiver was not asked: only that all of its deliveries need a token makes this its stream's trouble. */
function withoutToken({ cause, retryAfterMs }: Extract<Answer, { kind: 'token_unavailable' }>): Outcome {
  const outcome = { kind: 'retry', reason: 'token_unavailable', description: cause, counts: false } as const
  return retryAfterMs === undefined ? outcome : { ...outcome, notBeforeMs: retryAfterMs, waitsMs: retryAfterMs }
}

type Response = Extract<Answer, { kind: 'response' }>

function judgeResponse({ status, retryAfterMs, refusal }: Response): Outcome {
  if (status >= 200 && status < 300) return { kind: 'accepted', status }
  if (status >= 300 && status < 400) return { kind: 'hold', reason: 'redirected', status }
  switch (status) {
    case 400:
      return judgeRefusal(status, refusal)
    case 401:
      return { kind: 'hold', reason: 'authentication_failed', status }
    case 403:
      return { kind: 'hold', reason: 'access_denied', status }
    case 404:
    case 405:
      return { kind: 'retry', reason: 'not_found', status, counts: true }
    case 410:
      return { kind: 'pause', reason: 'receiver_gone', status }
    case 408:
    case 425:
      return { kind: 'retry', reason: 'server_error', status, counts: true }
    case 429:
      return waiting('rate_limited', status, retryAfterMs)
    case 503:
      return waiting('server_error', status, retryAfterMs)
  }
  if (status >= 500 && status < 600) return { kind: 'retry', reason: 'server_error', status, counts: true }
  if (status >= 400 && status < 500) return { kind: 'refused', reason: 'refused', status }
  return { kind: 'retry', reason: 'unexpected_status', status, counts: true }
}

/** A receiver that says when to come back is working as it should: waiting for it costs no attempt. */
function waiting(reason: RetryReason, status: number, retryAfterMs: number | undefined): Outcome {
  if (retryAfterMs === undefined) return { kind: 'retry', reason, status, counts: true }
  return { kind: 'retry', reason, status, counts: false, notBeforeMs: retryAfterMs, waitsMs: retryAfterMs }
}

function judgeRefusal(status: number, refusal: Response['refusal']): Outcome {
  const said = refusal?.description === undefined ? { status } : { status, description: refusal.description }
  if (refusal?.err === 'invalid_key') {
    return { kind: 'retry', reason: 'invalid_key', ...said, counts: true, notBeforeMs: KEY_REFRESH_MS }
  }
  const credential = CREDENTIAL_ERRORS.find((code) => code === refusal?.err)
  if (credential !== undefined) return { kind: 'hold', reason: credential, ...said }
  return { kind: 'refused', reason: FINAL_ERRORS.find((code) => code === refusal?.err) ?? 'refused', ...said }
}
