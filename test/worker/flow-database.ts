import type { Pool } from 'pg'

/** A delivery as the tables tell of it, with its times in milliseconds from now. */
export interface DeliveryFacts {
  readonly id: number
  readonly jti: string
  readonly stream: string
  readonly user: number
  readonly state: 'queued' | 'dead'
  readonly ticket: number | null
  readonly dueInMs: number
  readonly failedForMs: number | null
}

/** A stream as the tables tell of it. */
export interface StreamFacts {
  readonly id: string
  readonly status: string
  readonly window: number
  readonly ordered: boolean
  readonly rateLimit: number
  /** Until the breaker lets a probe through; `null` when it is closed. */
  readonly openForMs: number | null
}

/** All that a pass decides by, read in one statement so that it belongs together. */
export interface Facts {
  readonly deliveries: readonly DeliveryFacts[]
  readonly streams: readonly StreamFacts[]
  readonly settled: readonly string[]
}

/** Reads the tables, without any of the functions under test. */
export async function readFacts(pool: Pool): Promise<Facts> {
  const { rows } = await pool.query(`
    select
      (select coalesce(json_agg(json_build_object(
        'id', d.id, 'jti', d.jti, 'stream', d.stream_id, 'user', d.order_key, 'state', d.state, 'ticket', i.ticket,
        'dueInMs', extract(epoch from d.due_at - now()) * 1000,
        'failedForMs', extract(epoch from now() - d.first_failed_at) * 1000) order by d.id), '[]')
       from risc.deliveries d left join risc.inflight i on i.delivery_id = d.id) as deliveries,
      (select json_agg(json_build_object(
        'id', s.id, 'status', s.status, 'window', s.max_in_flight, 'ordered', s.ordering = 'subject',
        'rateLimit', s.rate_limit, 'openForMs', extract(epoch from f.open_until - now()) * 1000))
       from risc.streams s join risc.flow f on f.stream_id = s.id) as streams,
      (select coalesce(json_agg(h.jti), '[]') from risc.history h) as settled`)
  return rows[0]
}

/** Lets `ms` milliseconds go by for everything that the tables remember, or takes them back. */
export async function letTimePass(pool: Pool, ms: number): Promise<void> {
  await pool.query(
    `with t as (select $1 * interval '1 millisecond' as by),
       f as (update risc.flow set open_until = open_until - by from t),
       p as (update risc.pace set paid_at = paid_at - by, low_due_at = low_due_at - by from t),
       i as (update risc.inflight set dispatched_at = dispatched_at - by from t)
     update risc.deliveries
     set due_at = due_at - by, created_at = created_at - by, first_failed_at = first_failed_at - by from t`,
    [ms],
  )
}
