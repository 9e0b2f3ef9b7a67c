import type { Pool } from 'pg'
import { loop } from './loop.ts'
import { knownSchemaVersion, readSchemaVersion, schemaProblem } from './schema-version.ts'

/** What the database said when it was last asked how it is; nobody who looks waits for it. */
export interface Pulse {
  /** For how many milliseconds the database has answered without a break; 0 while it does not. */
  readonly answeredForMs: number
  /** Why this version cannot work with the schema. */
  readonly schemaProblem: string | undefined
  /** How many milliseconds ago a pass of any worker ended; `undefined` if nobody knows of one. */
  readonly dispatchedMsAgo: number | undefined
}

const FEEL_EVERY_MS = 2000
/** Longer without an answer: the database is away, or this process slept. */
const LONGEST_GAP_MS = 8000

const DISPATCHED = `select extract(epoch from now() - max(dispatched_at))::float8 * 1000 as ms_ago from risc.workers`

/** Asks the database how it is every two seconds, on a connection that nothing else waits for, until `signal` aborts. */
export function feelPulse(pool: Pool, signal: AbortSignal): Pulse {
  const known = knownSchemaVersion()
  let answeringSince: number | undefined
  let answeredAt = performance.now()
  let problem: string | undefined
  let dispatchedAt: number | undefined

  async function feel(): Promise<number> {
    try {
      problem = schemaProblem(await readSchemaVersion(pool), known)
      const msAgo = problem === undefined ? (await pool.query(DISPATCHED)).rows[0]?.ms_ago : null
      const now = performance.now()
      dispatchedAt = typeof msAgo === 'number' ? now - msAgo : undefined
      if (answeringSince === undefined || now - answeredAt > LONGEST_GAP_MS) answeringSince = now
      answeredAt = now
    } catch {
      answeringSince = undefined
    }
    return FEEL_EVERY_MS
  }

  void loop(feel, signal, () => undefined)
  return {
    get answeredForMs() {
      const now = performance.now()
      return answeringSince === undefined || now - answeredAt > LONGEST_GAP_MS ? 0 : now - answeringSince
    },
    get schemaProblem() {
      return problem
    },
    get dispatchedMsAgo() {
      return dispatchedAt === undefined ? undefined : performance.now() - dispatchedAt
    },
  }
}
