import type { Ledger, Statement } from './ledger.ts'
import type { TokenRequest } from './oauth-request.ts'
import { type ConnectionRow, type StreamConnection, toConnection } from './stream-connection.ts'

/** A delivery as a worker claimed it: what to push, where, and how. */
export interface ClaimedDelivery {
  readonly ticket: number
  readonly deliveryId: number
  readonly jti: string
  readonly streamId: string
  readonly eventType: string
  /** Counted attempts so far. */
  readonly attempts: number
  /** How long ago it was enqueued. */
  readonly ageMs: number
  /** How long it may still be tried. */
  readonly expiresInMs: number
  /** What the last attempt came to, if it was not accepted. */
  readonly lastReason: string | undefined
  /** Sent to see whether the stream's receiver answers again: costs no attempt. */
  readonly probe: boolean
  /** About the stream itself: sent whatever the stream's status and breaker. */
  readonly urgent: boolean
  /** Of the request that enqueued it (W3C Trace Context §3.2). */
  readonly traceparent: string | undefined
  readonly signedSet: string
  readonly connection: StreamConnection
  /** As it is stored: sealed, or the name of where it is. */
  readonly credential: string | undefined
  /** How an access token is got; `undefined` where none is needed. */
  readonly tokenRequest: TokenRequest | undefined
  readonly timeoutMs: number
  readonly retryDelaysMs: readonly number[]
}

interface ClaimedRow extends ConnectionRow {
  readonly ticket: string
  readonly delivery_id: string
  readonly jti: string
  readonly stream_id: string
  readonly event_type: string
  readonly attempts: number
  readonly age_ms: string
  readonly expires_in_ms: string
  readonly last_reason: string | null
  readonly probe: boolean
  readonly urgent: boolean
  readonly traceparent: string | null
  readonly signed_set: string
  readonly credential: string | null
  readonly token_request: TokenRequest | null
  readonly timeout_ms: number
  readonly retry_delays_ms: readonly number[]
}

const CLAIM: Statement = { name: 'risc.claim', text: 'select * from risc.claim($1, $2)' }

/**
 * Stamps `tickets` with the worker and loads what they stand for, in the order of `tickets`.
 *
 * A ticket that is settled, taken back or another worker's yields `undefined`: its job outlived it.
 */
export async function claimDeliveries(
  ledger: Ledger,
  workerId: string,
  tickets: readonly number[],
): Promise<readonly (ClaimedDelivery | undefined)[]> {
  const rows = await ledger.ask<ClaimedRow>(CLAIM, [workerId, tickets])
  const claimed = new Map(rows.map((row) => [Number(row.ticket), toDelivery(row)]))
  return tickets.map((ticket) => claimed.get(ticket))
}

function toDelivery(row: ClaimedRow): ClaimedDelivery {
  return {
    ticket: Number(row.ticket),
    deliveryId: Number(row.delivery_id),
    jti: row.jti,
    streamId: row.stream_id,
    eventType: row.event_type,
    attempts: row.attempts,
    ageMs: Number(row.age_ms),
    expiresInMs: Number(row.expires_in_ms),
    lastReason: row.last_reason ?? undefined,
    probe: row.probe,
    urgent: row.urgent,
    traceparent: row.traceparent ?? undefined,
    signedSet: row.signed_set,
    connection: toConnection(row),
    credential: row.credential ?? undefined,
    tokenRequest: row.token_request ?? undefined,
    timeoutMs: row.timeout_ms,
    retryDelaysMs: row.retry_delays_ms,
  }
}
