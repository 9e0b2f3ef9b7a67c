import { type Kysely, sql } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'

/** How a stream's receiver does, and what that means for the next delivery. */
export interface StreamFlow {
  /** How many deliveries may be in flight, as the receiver's answers have earned it. */
  readonly window: number
  /** Its answers take longer than a second. */
  readonly slow: boolean
  /** Settled batches of nothing but trouble since the last answer. */
  readonly failures: number
  /** Nothing is sent before; then one probe at a time. */
  readonly breaker_open_until: Date | null
  readonly breaker_open_because: string | null
  /** When the last outage ended. */
  readonly breaker_closed_at: Date | null
  /** When the rate leaves room again; `null` if it does now. */
  readonly rate_room_at: Date | null
}

/** What a stream is still owed, and what was given up. */
export interface Owed {
  readonly queued: number
  readonly dispatched: number
  readonly dead: number
}

/** How a stream's flow is. */
export async function readStreamFlow(db: Kysely<OutboxDatabase>, streamId: string): Promise<StreamFlow> {
  const { rows } = await sql<StreamFlow>`
    select least(f.ramp, s.max_in_flight) as window, f.slow, f.failures,
      f.open_until as breaker_open_until, f.open_because as breaker_open_because, f.closed_at as breaker_closed_at,
      case when p.room_at > now() then p.room_at end as rate_room_at
    from risc.streams s
    join risc.flow f on f.stream_id = s.id
    cross join lateral (
      select max(q.paid_at) - (s.rate_burst - 1) * s.rate_spacing as room_at from risc.pace q where q.stream_id = s.id) p
    where s.id = ${streamId}`.execute(db)
  const [flow] = rows
  if (flow === undefined) throw new TypeError('every stream has its flow')
  return flow
}

/** Counts what a stream has that is not settled. */
export async function countOwed(db: Kysely<OutboxDatabase>, streamId: string): Promise<Owed> {
  const { rows } = await sql<Owed>`
    select (d.queued - i.count)::float8 as queued, i.count::float8 as dispatched, d.dead::float8
    from (
      select (select count(*) from risc.deliveries q where q.stream_id = ${streamId} and q.state = 'queued') as queued,
        (select count(*) from risc.deliveries q where q.stream_id = ${streamId} and q.state = 'dead') as dead) d
    cross join (
      select count(*) from risc.inflight i join risc.deliveries q on q.id = i.delivery_id
      where i.stream_id = ${streamId}) i`.execute(db)
  const [owed] = rows
  if (owed === undefined) throw new TypeError('counts always answer')
  return owed
}
