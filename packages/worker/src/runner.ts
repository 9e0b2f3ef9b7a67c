import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Logger as GraphileLogger, run, type WorkerEvents, type WorkerPool } from 'graphile-worker'
import pLimit from 'p-limit'
import type { Logger } from 'pino'
import { errorCode } from './error-code.ts'
import { keepReturnsTracked } from './local-queue.ts'
import { openPool } from './pool.ts'

/** graphile-worker's runner with a pool of its own: thrown away at the first sign of trouble and made anew. */
export interface Runner {
  /** graphile-worker's name for it, under which it locks jobs; `undefined` until it has one. */
  readonly poolId: string | undefined
  /** Resolves with the reason once the runner has to go. It never comes to an end by itself for good. */
  readonly trouble: Promise<string>
  /** Says that jobs of so many tickets are there, so that it need not wait for the NOTIFY. */
  nudge(tickets: number): void
  /** Lets go of it: claims nothing more, gives back what has not started. What has started goes on without it. */
  retire(withinMs: number): Promise<void>
}

/** What a runner needs. */
export interface RunnerSettings {
  readonly databaseUrl: string
  readonly slots: number
  /** Delivers one ticket; uses no connection of the runner's. */
  readonly deliver: (ticket: number) => Promise<void>
  /** Called each time that it has fetched jobs, and while it has no slot to fetch for. */
  readonly onFetch: () => void
  /** Called as soon as graphile-worker has named the runner. */
  readonly onNamed: (poolId: string) => void
  readonly log: Logger
}

const TASK = 'risc.deliver'

const POLL_EVERY_MS = 500
/** More than dispatch hands out for this process: of another's share it begins as much again; what is beyond waits its turn. */
const TICKETS_PER_SLOT = 2
/** A host's part of a pass: what one takes beyond it waits here while others have slots free. */
const FETCH_AT_ONCE = 2
/** Longer without a fetch while a slot is free: the runner is alive and useless. */
const STALLED_MS = 3000
const START_WITHIN_MS = 8000

/** The signs that a runner is breaking, some of which graphile-worker takes for the end of its work. */
const SIGNS_OF_TROUBLE = [
  'pool:fatalError',
  'pool:gracefulShutdown',
  'pool:listen:error',
  'worker:fatalError',
  'worker:getJob:error',
] as const

export function startRunner({ databaseUrl, slots, deliver, onFetch, onNamed, log }: RunnerSettings): Runner {
  const concurrentJobs = TICKETS_PER_SLOT * slots
  const inTurn = pLimit(TICKETS_PER_SLOT * slots)
  const { promise: trouble, resolve: fail } = Promise.withResolvers<string>()
  const pool = openPool(databaseUrl, {
    max: 6,
    name: 'risc-worker runner',
    durable: false,
    onTrouble: () => fail('connection lost'),
  })
  const events: WorkerEvents = new EventEmitter()
  let workerPool: WorkerPool | undefined
  let busy = 0
  let fetchedAt = performance.now() + START_WITHIN_MS - STALLED_MS

  events.on('pool:create', (created) => {
    workerPool = created.workerPool
    onNamed(workerPool.id)
  })
  events.on('localQueue:getJobs:complete', noteFetch)
  for (const sign of SIGNS_OF_TROUBLE) events.on(sign, () => fail(sign))
  keepReturnsTracked(events)

  const watch = setInterval(() => {
    if (busy === concurrentJobs) noteFetch()
    else if (performance.now() - fetchedAt > STALLED_MS) fail('stalled')
  }, 250)

  function noteFetch(): void {
    fetchedAt = performance.now()
    onFetch()
  }

  async function task(payload: unknown): Promise<void> {
    const tickets = Array.isArray(payload) ? payload : [payload]
    busy++
    try {
      await Promise.all(tickets.map((ticket) => inTurn(deliverTicket, Number(ticket))))
    } finally {
      busy--
    }
  }

  async function deliverTicket(ticket: number): Promise<void> {
    try {
      await deliver(ticket)
    } catch (error) {
      log.error({ code: errorCode(error) }, 'delivery could not be recorded')
    }
  }

  // A new options object each time: graphile-worker remembers a failed look-up by it for good.
  const started = run({
    pgPool: pool,
    events,
    noHandleSignals: true,
    logger: graphileLogger(log, () => fail('complaint')),
    taskList: { [TASK]: task },
    parsedCronItems: [], // or it would look for a crontab where the process was started
    preset: {
      worker: {
        schema: 'risc_worker',
        concurrentJobs,
        pollInterval: POLL_EVERY_MS,
        localQueue: { size: FETCH_AT_ONCE },
        // Zero, not the default: unbatched, a lost connection is an unhandled rejection that ends the process.
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
        gracefulShutdownAbortTimeout: 1000,
      },
    },
  })
  started.then(
    (runner) =>
      runner.promise.then(
        () => fail('ended'),
        () => fail('failed'),
      ),
    () => fail('did not start'),
  )

  return {
    get poolId() {
      return workerPool?.id
    },
    trouble,
    nudge: (tickets) => workerPool?.nudge(tickets),
    async retire(withinMs) {
      clearInterval(watch)
      const stopped = started.then((runner) => runner.stop()).catch(() => undefined)
      await Promise.race([stopped, sleep(withinMs, undefined, { ref: false })])
      await pool.close()
    },
  }
}

/**
 * A complaint is a sign of trouble too: a fetch that failed is told nowhere else, and the jobs that the server has locked
 * for it all the same would stay with a runner that does not know of them for as long as it lives.
 */
function graphileLogger(log: Logger, onComplaint: () => void): GraphileLogger {
  return new GraphileLogger(() => (level, message) => {
    if (level === 'error') {
      log.warn({ graphile_worker: message }, 'graphile-worker complained')
      onComplaint()
    } else {
      log.debug({ graphile_worker: message }, 'graphile-worker')
    }
  })
}
