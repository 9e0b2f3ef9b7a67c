import type { Pool } from 'pg'
import { addDeliveries } from './rows.ts'

/** How dead letters died. */
export interface Death {
  readonly because?: 'refused' | 'exhausted' | 'expired'
  readonly reason?: string
  readonly eventType?: string
  /** How long ago they died, and how long before that they were enqueued, as intervals. */
  readonly ago?: string
  readonly age?: string
}

/** Dead letters of a stream, oldest first. Returns their `jti`s. */
export async function addDeadLetters(pool: Pool, streamId: string, count = 1, death: Death = {}): Promise<string[]> {
  const jtis = await addDeliveries(pool, streamId, count)
  const { because = 'exhausted', reason = 'server_error', eventType, ago = '0 s', age = '0 s' } = death
  await pool.query(
    `update risc.deliveries
     set state = 'dead', attempts = 5, dead_because = $2, last_reason = $3, event_type = coalesce($4, event_type),
       dead_at = now() - $5::interval, created_at = now() - $5::interval - $6::interval
     where jti = any ($1)`,
    [jtis, because, reason, eventType, ago, age],
  )
  return jtis
}

/** Begins a redrive of all dead letters that are there, or of those of one stream. Returns its number. */
export async function startRedrive(
  pool: Pool,
  { streamId, reason, perSecond }: { streamId?: string; reason?: string; perSecond?: number } = {},
): Promise<number> {
  const { rows } = await pool.query(
    `select risc.start_redrive(row ($1::text, null, $2::text, null, null)::risc.dead_filter, $3, 'operator')::integer as id`,
    [streamId, reason, perSecond],
  )
  return rows[0].id
}

/** One turn of all redrives; `undefined` when it is somebody else's. */
export async function turn(pool: Pick<Pool, 'query'>): Promise<Record<string, number> | undefined> {
  return (await pool.query('select released, skipped, running from risc.redrive()')).rows[0]
}

/** Lets time go by for the rates of redrives alone. */
export async function letRatesPass(pool: Pool, ms: number): Promise<void> {
  await pool.query(`update risc.redrive_streams set next_at = next_at - $1 * interval '1 millisecond'`, [ms])
}

/** How far a redrive is, its counts as numbers. */
export async function progressOf(pool: Pool, redrive: number): Promise<Record<string, unknown>> {
  const { rows } = await pool.query(
    `select state, total::integer, released::integer, skipped::integer, remaining::integer, waiting::integer,
       accepted::integer, dead_again::integer, discarded::integer
     from risc.redrive_progress where id = $1`,
    [redrive],
  )
  return rows[0]
}
