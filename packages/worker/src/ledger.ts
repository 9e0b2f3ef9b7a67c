import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { errorCode } from './error-code.ts'
import { openPool } from './pool.ts'

/** A statement that is safe to repeat; by a name of its own, each connection parses it once. */
export interface Statement {
  readonly name?: string
  readonly text: string
}

/**
 * The worker's own line to the database, alive as long as the process: everything it says about deliveries goes this
 * way, each time as one autocommitted statement that may be repeated, so an outage costs time and nothing else.
 */
export interface Ledger {
  /** Asks until an answer comes. Rejects only when repeating cannot help, or when there is no more time. */
  ask<Row>(statement: Statement, values: readonly unknown[], giveUp?: AbortSignal): Promise<readonly Row[]>
  /** Asks once, for what can wait: a failure is logged, and nobody takes it for an outage. */
  attempt<Row>(statement: Statement, values: readonly unknown[]): Promise<readonly Row[] | undefined>
  /** For how many milliseconds the database has answered without a break. */
  answeredForMs(): number
  /** What is still asked gets its answer now or never. */
  close(): Promise<void>
}

/** SQLSTATE classes of mistakes, which no repetition turns into answers. */
const HOPELESS = /^(0A|22|23|3F|42|P0|XX)/
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1000
const LONGEST_GAP_MS = 5000

export function openLedger(databaseUrl: string, log: Logger): Ledger {
  const pool = openPool(databaseUrl, { max: 8, name: 'risc-worker ledger', durable: true })
  let brokenAt = performance.now()
  let answeredAt = brokenAt
  let closed = false

  /** A worker asks many times a second: a gap means that it slept, as a frozen process or machine does. */
  function noteAnswer(): void {
    const now = performance.now()
    if (now - answeredAt > LONGEST_GAP_MS) brokenAt = now
    answeredAt = now
  }

  async function ask<Row>(statement: Statement, values: readonly unknown[], giveUp?: AbortSignal): Promise<Row[]> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        const { rows } = await pool.query({ ...statement, values: [...values] })
        noteAnswer()
        return rows
      } catch (error) {
        const code = errorCode(error)
        if (HOPELESS.test(code)) throw error
        brokenAt = performance.now()
        if (giveUp?.aborted || closed) throw error
        log.warn({ statement: statement.name, code }, 'database did not answer, asking again')
        await sleep(pauseMs * (0.5 + Math.random()), undefined, { signal: giveUp }).catch(() => undefined)
      }
    }
  }

  async function attempt<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[] | undefined> {
    try {
      return (await pool.query({ ...statement, values: [...values] })).rows
    } catch (error) {
      log.warn({ statement: statement.name, code: errorCode(error) }, 'statement put off')
      return undefined
    }
  }

  return {
    ask,
    attempt,
    answeredForMs: () => performance.now() - brokenAt,
    close() {
      closed = true
      return pool.close()
    },
  }
}
