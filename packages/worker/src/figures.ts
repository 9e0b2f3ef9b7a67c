import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from 'pg'

/** What metrics show of rows: the same on every worker. */
export interface Figures {
  readonly streams: readonly StreamFigures[]
  readonly database: DatabaseFigures
  readonly took_seconds: number
}

/** One stream; or, as {@link OTHER_STREAMS}, those of one status and reason that have no row of their own. */
export interface StreamFigures {
  readonly stream_id: string
  readonly status: string
  readonly reason: string
  readonly streams: number
  readonly oldest_due_age: number
  readonly queued: number
  readonly dispatched: number
  readonly dead: number
  readonly open_breakers: number
  readonly send_window: number
  /** Seconds since the epoch; null where no certificate was seen, and while nothing is sent. */
  readonly certificate_expires_at: number | null
}

/** What all streams share. */
export interface DatabaseFigures {
  readonly workers: number
  readonly slots: number
  readonly oldest_snapshot_age: number
  readonly inflight_dead_rows: number
}

/** No stream can be called so. */
export const OTHER_STREAMS = '(other)'

/** About twice as many rows are counted for all streams together: a tenth of a second. */
const COUNT_AT_MOST = 100_000
/** How long a read is good for: longer when it took long, so that reading is a twentieth of the time at most. */
const FRESH_FOR_MS = { atLeast: 5000, timesItTook: 20, atMost: 60_000 }
const WAIT_AT_MOST_MS = 3000
const WORTHLESS_AFTER_MS = 120_000

/**
 * Reads figures for whoever asks, seldom and one read at a time, however many ask. A database that is slow or away is not
 * waited for: the last figures are good for two minutes, and then there are none.
 */
export function cacheFigures(pool: Pool, namedStreams: number): () => Promise<Figures | undefined> {
  let last: { readonly figures: Figures; readonly at: number } | undefined
  let reading: Promise<void> | undefined
  let freshUntil = 0

  async function refresh(): Promise<void> {
    const startedAt = performance.now()
    const figures = await readFigures(pool, namedStreams).catch(() => undefined)
    const at = performance.now()
    const restMs = Math.max(FRESH_FOR_MS.timesItTook * (at - startedAt), FRESH_FOR_MS.atLeast)
    freshUntil = at + Math.min(restMs, FRESH_FOR_MS.atMost)
    if (figures !== undefined) last = { figures, at }
    reading = undefined
  }

  return async () => {
    if (performance.now() > freshUntil) {
      reading ??= refresh()
      await Promise.race([reading, sleep(WAIT_AT_MOST_MS, undefined, { ref: false })])
    }
    return last !== undefined && performance.now() - last.at < WORTHLESS_AFTER_MS ? last.figures : undefined
  }
}

async function readFigures(pool: Pool, namedStreams: number): Promise<Figures | undefined> {
  const startedAt = performance.now()
  const { rows: streams } = await pool.query<StreamFigures>({
    name: 'risc.stream_figures',
    text: 'select * from risc.stream_figures($1, $2)',
    values: [namedStreams, COUNT_AT_MOST],
  })
  const { rows } = await pool.query<DatabaseFigures>({
    name: 'risc.database_figures',
    text: 'select * from risc.database_figures()',
  })
  const [database] = rows
  return database && { streams, database, took_seconds: (performance.now() - startedAt) / 1000 }
}
