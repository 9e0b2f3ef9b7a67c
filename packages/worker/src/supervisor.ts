import { setTimeout as sleep } from 'node:timers/promises'
import { errorCode } from './error-code.ts'
import type { Ledger, Statement } from './ledger.ts'
import { type Runner, type RunnerSettings, startRunner } from './runner.ts'

/** Keeps one runner going, whatever becomes of it. */
export interface Supervisor {
  /** The runner's name as of now, for the heartbeat. */
  readonly poolId: string | undefined
  /** Every name that a runner of this process ever locked jobs under. */
  readonly poolIds: readonly string[]
  nudge(tickets: number): void
  /** Retires the runner for good; it is not replaced. */
  stop(withinMs: number): Promise<void>
}

const UNLOCK: Statement = { name: 'risc.force_unlock', text: 'select risc_worker.force_unlock_workers($1)' }
const RETIRE_WITHIN_MS = 500
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 3000
const HEALTHY_AFTER_MS = 5000

export function superviseRunner(ledger: Ledger, settings: RunnerSettings): Supervisor {
  const { log } = settings
  const poolIds: string[] = []
  const stopping = new AbortController()
  let runner: Runner | undefined

  const onNamed = (poolId: string): void => {
    poolIds.push(poolId)
    settings.onNamed(poolId)
  }

  async function supervise(): Promise<void> {
    const stopRequested = aborted(stopping.signal)
    let pauseMs = FIRST_PAUSE_MS
    while (!stopping.signal.aborted) {
      const startedAt = performance.now()
      runner = startRunner({ ...settings, onNamed })
      const reason = await Promise.race([runner.trouble, stopRequested])
      if (reason === undefined) return
      log.warn({ reason }, 'graphile-worker runner replaced')
      await discard(runner)
      pauseMs =
        performance.now() - startedAt > HEALTHY_AFTER_MS ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
      await sleep(pauseMs * (0.5 + Math.random()), undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }

  /** Frees at once what the old runner had locked; what it had started goes on, since it needs the ledger alone. */
  async function discard(old: Runner): Promise<void> {
    runner = undefined
    await old.retire(RETIRE_WITHIN_MS)
    if (old.poolId === undefined) return
    unlock(ledger, old.poolId, stopping.signal).catch((error: unknown) => {
      log.warn({ code: errorCode(error) }, 'locks of the old runner left to maintenance')
    })
  }

  const supervised = supervise()
  return {
    get poolId() {
      return runner?.poolId
    },
    poolIds,
    nudge: (tickets) => runner?.nudge(tickets),
    async stop(withinMs) {
      stopping.abort()
      await supervised
      await runner?.retire(withinMs)
    },
  }
}

async function unlock(ledger: Ledger, poolId: string, giveUp: AbortSignal): Promise<void> {
  await ledger.ask(UNLOCK, [[poolId]], giveUp)
}

function aborted(signal: AbortSignal): Promise<undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  signal.addEventListener('abort', () => resolve(undefined), { once: true })
  return promise
}
