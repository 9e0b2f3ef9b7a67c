import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from 'pg'
import { clock } from './clock.ts'

/** What streams of one kind, `slow-1`, `slow-2` and so on, had in flight at a moment. */
export interface Held {
  readonly at: number
  readonly kind: string
  /** Handed to the fleet. */
  readonly handed: number
  /** Of these, in a slot of a worker. */
  readonly claimed: number
}

const EVERY_MS = 250

/** Looks what is in flight, until `signal` aborts. */
export async function watchHeld(pool: Pool, signal: AbortSignal): Promise<Held[]> {
  const seen: Held[] = []
  while (!signal.aborted) {
    const { rows } = await pool.query(
      `select regexp_replace(stream_id, '-\\d+$', '') as kind, count(*)::integer as handed,
         count(worker_id)::integer as claimed
       from risc.inflight group by kind order by kind`,
    )
    const at = clock()
    seen.push(...rows.map((row) => ({ at, ...row })))
    await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined)
  }
  return seen
}
