import { setTimeout as sleep } from 'node:timers/promises'

/** How late the machine is. */
export interface LatenessWatch {
  /** Ends it, and tells for how many milliseconds this process was ready to go on and was not let. */
  stop(): number
}

const TICK_MS = 50

/** Watches how late timers come, which on a machine that has too much to do are seconds that no worker had either. */
export function watchLateness(): LatenessWatch {
  const stopped = new AbortController()
  let lateMs = 0

  async function tick(): Promise<void> {
    while (!stopped.signal.aborted) {
      const startedAt = performance.now()
      await sleep(TICK_MS, undefined, { signal: stopped.signal }).catch(() => undefined)
      lateMs += Math.max(performance.now() - startedAt - TICK_MS, 0)
    }
  }

  void tick()
  return {
    stop() {
      stopped.abort()
      return lateMs
    },
  }
}
