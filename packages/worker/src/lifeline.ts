import { once } from 'node:events'
import { loop } from './loop.ts'
import { openPool } from './pool.ts'

/** A session that lives as long as the process: the database sees the one end when the other is killed. */
export interface Lifeline {
  /** Whether it is held as of now. */
  readonly held: boolean
  close(): Promise<void>
}

const RECONNECT_AFTER_MS = 500

/**
 * Holds `workerId`'s advisory lock, and takes it again whenever the session is lost. Without it, a death shows later.
 *
 * @param onHeld called each time it is held, so that the fleet may know of it before anything can happen
 */
export function holdLifeline(databaseUrl: string, workerId: string, onHeld: () => void): Lifeline {
  const pool = openPool(databaseUrl, { max: 1, name: 'risc-worker lifeline', durable: false })
  const closing = new AbortController()
  let held = false

  async function hold(): Promise<number> {
    const client = await pool.connect()
    try {
      await client.query('select pg_advisory_lock_shared(risc.lifeline($1))', [workerId])
      held = true
      onHeld()
      await once(client, 'end', { signal: closing.signal })
      return RECONNECT_AFTER_MS
    } finally {
      held = false
      client.release(true)
    }
  }

  const holding = loop(hold, closing.signal, () => undefined)
  return {
    get held() {
      return held
    },
    async close() {
      closing.abort()
      await pool.close()
      await holding
    },
  }
}
