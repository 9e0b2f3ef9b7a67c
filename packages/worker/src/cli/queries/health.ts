import { type Kysely, sql } from 'kysely'
import type { OutboxDatabase, StreamProfile, StreamStatus } from 'risc-outbox'

/** How a stream is, but for what has to be counted. */
export interface StreamHealth {
  readonly stream_id: string
  readonly profile: StreamProfile
  readonly status: StreamStatus
  readonly status_reason: string | null
  readonly status_changed_at: Date
  readonly breaker_open_until: Date | null
  readonly breaker_open_because: string | null
  readonly dispatched: number
  readonly window_earned: number
  readonly max_in_flight: number
  readonly oldest_due_at: Date | null
  readonly lag_seconds: number
}

/** How many deliveries of a stream are not settled: `waiting` are queued or dispatched. */
export interface StreamCount {
  readonly stream_id: string
  readonly waiting: number
  readonly dead: number
}

/** How many deliveries of a stream were accepted in one second, which is the epoch's. */
export interface AcceptedSecond {
  readonly stream_id: string
  readonly second: number
  readonly accepted: number
}

/** How each stream is. Cheap, whatever waits. */
export async function readStreamHealth(db: Kysely<OutboxDatabase>): Promise<StreamHealth[]> {
  const { rows } = await sql<StreamHealth>`
    select stream_id, profile, status, status_reason, status_changed_at, breaker_open_until, breaker_open_because,
      dispatched::float8, window_earned, max_in_flight, oldest_due_at,
      greatest(round(extract(epoch from now() - oldest_due_at), 3), 0)::float8 as lag_seconds
    from risc.stream_state() order by stream_id`.execute(db)
  return rows
}

/** What each stream has that is not settled, to the last one: a million take a second. */
export async function countDeliveries(db: Kysely<OutboxDatabase>): Promise<StreamCount[]> {
  const { rows } = await sql<StreamCount>`
    select stream_id, waiting::float8, dead::float8 from risc.count_deliveries()`.execute(db)
  return rows
}

/** What was accepted in each whole second from `sinceSecond` on. */
export async function readAccepted(db: Kysely<OutboxDatabase>, sinceSecond: number): Promise<AcceptedSecond[]> {
  const { rows } = await sql<AcceptedSecond>`
    select stream_id, extract(epoch from second)::float8 as second, accepted::float8
    from risc.accepted_by_second(to_timestamp(${sinceSecond}))`.execute(db)
  return rows
}

/** The database's time. */
export async function readTime(db: Kysely<OutboxDatabase>): Promise<Date> {
  const { now } = await db.selectNoFrom(sql<Date>`now()`.as('now')).executeTakeFirstOrThrow()
  return now
}
