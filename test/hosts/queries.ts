import type { Pool } from 'pg'
import type { WorkerHost } from './network.ts'

/** A settled delivery, as history tells. */
export interface Settled {
  readonly jti: string
  readonly stream_id: string
  readonly outcome: string
  readonly attempts: number
}

/** The deliveries that a worker has claimed. */
export async function heldBy(pool: Pool, worker: WorkerHost): Promise<string[]> {
  const { rows } = await pool.query<{ jti: string }>('select jti from risc.pending where worker = $1', [worker])
  return rows.map(({ jti }) => jti)
}

/** How many of these deliveries are still owed. */
export function countOwed(pool: Pool, jtis: readonly string[]): Promise<number> {
  return count(pool, 'select count(*) from risc.deliveries where jti = any ($1)', [jtis])
}

/** How many streams have a delivery with an attempt that counts. */
export function countTroubledStreams(pool: Pool): Promise<number> {
  return count(pool, 'select count(distinct stream_id) from risc.pending where attempts > 0')
}

/** How many workers have shown life within these seconds. */
export function countWorkers(pool: Pool, seconds: number): Promise<number> {
  return count(pool, `select count(*) from risc.workers where beat_at > now() - $1 * interval '1 second'`, [seconds])
}

/** How many rows the outbox still has of deliveries that are not settled. */
export function countLeft(pool: Pool): Promise<number> {
  return count(pool, 'select (select count(*) from risc.deliveries) + (select count(*) from risc.inflight) as count')
}

export async function listSettled(pool: Pool): Promise<Settled[]> {
  const { rows } = await pool.query<Settled>('select jti, stream_id, outcome, attempts from risc.history')
  return rows
}

async function count(pool: Pool, text: string, values: readonly unknown[] = []): Promise<number> {
  const { rows } = await pool.query<{ count: string }>(text, [...values])
  return Number(rows[0]?.count)
}
