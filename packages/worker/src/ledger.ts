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
  /** Milliseconds since the last statement that failed or waited for its answer in vain; since the start if none did. */
  answeredForMs(): number
  /** What is still asked gets its answer now or never. */
  close(): Promise<void>
}

/** SQLSTATE classes of mistakes, which no repetition turns into answers. */
const HOPELESS = /^(0A|22|23|3F|42|P0|XX)/
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1000

export function openLedger(databaseUrl: string, log: Logger): Ledger {
  const pool = openPool(databaseUrl, { max: 8, name: 'risc-worker ledger', durable: true })
  let troubleAt = performance.now()
  let closed = false

  async function ask<Row>(statement: Statement, values: readonly unknown[], giveUp?: AbortSignal): Promise<Row[]> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        const { rows } = await pool.query({ ...statement, values: [...values] })
        return rows
      } catch (error) {
        troubleAt = performance.now()
        const code = errorCode(error)
        if (HOPELESS.test(code) || giveUp?.aborted || closed) throw error
        log.warn({ statement: statement.name, code }, 'database did not answer, asking again')
        await sleep(pauseMs * (0.5 + Math.random()), undefined, { signal: giveUp }).catch(() => undefined)
      }
    }
  }

  return {
    ask,
    answeredForMs: () => performance.now() - troubleAt,
    close() {
      closed = true
      return pool.close()
    },
  }
}
