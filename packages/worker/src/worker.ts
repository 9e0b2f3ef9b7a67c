import { randomUUID } from 'node:crypto'
import { type Logger, pino } from 'pino'
import { Registry } from 'prom-client'
import type { WorkerConfig } from './config.ts'
import { createDeliverer } from './deliverer.ts'
import { createDispatcher } from './dispatcher.ts'
import { errorCode } from './error-code.ts'
import { BEAT_EVERY_MS, beat, leave, type WorkerIdentity } from './heartbeat.ts'
import { type Ledger, openLedger } from './ledger.ts'
import { holdLifeline } from './lifeline.ts'
import { loop } from './loop.ts'
import { maintain, pauseAfterRound } from './maintenance.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { addProcessMetrics, type Monitor, openMonitor } from './monitor.ts'
import { createProgress, type Progress } from './progress.ts'
import { pauseAfterRedrive, redrive } from './redrive.ts'
import { pauseAfterStep, retain } from './retention.ts'
import { checkSchema } from './schema-version.ts'
import { superviseRunner } from './supervisor.ts'
import { pauseAfterTidying, tidy } from './tidying.ts'

/** A running worker. */
export interface Worker {
  /** Claims nothing more, finishes what is in flight within `shutdownMs`, hands the rest back. The same as `stopped`. */
  stop(): Promise<void>
  /** Resolves when the worker is gone; rejects if it could not start, or could not hand back what it held. */
  readonly stopped: Promise<void>
}

/** What a worker may be given by the process it runs in. */
export interface WorkerOptions {
  /** Gets one line per outcome, without SETs, subjects or credentials. By default, JSON on stdout. */
  readonly log?: Logger
  /** The prom-client registry that gets the worker's metrics: one worker's. By default, `/metrics` alone shows them. */
  readonly registry?: Registry
}

const LEAVE_WITHIN_MS = 2000

/**
 * Starts to deliver what the outbox in `config.databaseUrl` owes, together with all other workers of that database.
 *
 * It waits for a database that is not there yet, outlives its restarts and lost connections, installs no signal handlers
 * and ends no process. `stopped` rejects with {@link UnknownSchemaError} if the schema is not this version's, and with
 * {@link AddressUnavailableError} if it cannot listen where `config.http` says.
 */
export function startWorker(config: WorkerConfig, options: WorkerOptions = {}): Worker {
  const log = (options.log ?? pino({ level: config.logLevel })).child({ service: 'risc-worker', worker: config.name })
  const ledger = openLedger(config.databaseUrl, log)
  const stopping = new AbortController()
  const registry = options.registry ?? new Registry()
  const metrics = createMetrics(registry, { slots: config.concurrency, streams: config.metricsStreams })
  const progress = createProgress()
  const monitor =
    config.http === undefined && options.registry === undefined
      ? undefined
      : openMonitor({ config, registry, progress, ledger, stopping: stopping.signal, log })
  if (config.http !== undefined && options.registry === undefined) addProcessMetrics(registry)
  const stopped = work({ config, log, ledger, metrics, progress, monitor }, stopping.signal).finally(() =>
    Promise.all([ledger.close(), monitor?.close()]),
  )
  return {
    stopped,
    stop() {
      stopping.abort()
      return stopped
    },
  }
}

interface Workplace {
  readonly config: WorkerConfig
  readonly log: Logger
  readonly ledger: Ledger
  readonly metrics: Metrics
  readonly progress: Progress
  readonly monitor: Monitor | undefined
}

/** A worker's life, until `stopping` aborts and what it held is settled or handed back. */
async function work(
  { config, log, ledger, metrics, progress, monitor }: Workplace,
  stopping: AbortSignal,
): Promise<void> {
  const self: WorkerIdentity = { id: randomUUID(), name: config.name, slots: config.concurrency }
  const leaving = new AbortController() // no more signs of life
  let workers: number
  try {
    await monitor?.listen()
    await checkSchema({ query: async (text) => ({ rows: await ledger.ask({ text }, [], stopping) }) })
    workers = await beat(ledger, self, { poolId: undefined, hasLifeline: false }, stopping) // nothing may be claimed by a stranger
  } catch (error) {
    if (stopping.aborted) return
    throw error
  }

  const lifeline = holdLifeline(config.databaseUrl, self.id, () => showLifeNow(supervisor.poolId))
  const deliverer = createDeliverer({
    ledger,
    workerId: self.id,
    network: config,
    credentials: config.credentials,
    metrics,
    log,
    onDone: () => dispatcher.noteDone(),
  })
  const supervisor = superviseRunner(ledger, {
    databaseUrl: config.databaseUrl,
    slots: config.concurrency,
    deliver: deliverer.deliver,
    onFetch: () => progress.note('claim'),
    onNamed: showLifeNow,
    log,
  })

  const dispatcher = createDispatcher({
    ledger,
    slots: self.slots,
    stopping,
    onPass(pass) {
      metrics.dispatched(pass)
      if (pass.handed > 0) supervisor.nudge(pass.handed)
    },
  })

  async function showLife(poolId: string | undefined): Promise<number> {
    const vitals = { poolId, hasLifeline: lifeline.held, dispatchedMsAgo: dispatcher.passedMsAgo() }
    workers = await beat(ledger, self, vitals, leaving.signal)
    return BEAT_EVERY_MS
  }

  function showLifeNow(poolId: string | undefined): void {
    if (!leaving.signal.aborted) showLife(poolId).catch(reportBug)
  }

  async function maintainOnce(): Promise<number> {
    const report = await maintain(ledger, stopping)
    if (report !== undefined) log.warn(report, 'maintenance freed what was stuck')
    return pauseAfterRound(workers, Math.random())
  }

  async function tidyOnce(): Promise<number> {
    const startedAt = performance.now()
    const report = await tidy(ledger)
    if (report !== undefined) log.warn(report, 'deliveries given up or discarded')
    return pauseAfterTidying(performance.now() - startedAt, workers, Math.random())
  }

  async function redriveOnce(): Promise<number> {
    const startedAt = performance.now()
    const report = await redrive(ledger)
    return pauseAfterRedrive(report, { tookMs: performance.now() - startedAt, workers, random: Math.random() })
  }

  async function retainOnce(): Promise<number> {
    const report = await retain(ledger, self.id, config.keptDays)
    if (report !== undefined) log.info(report, 'what was too old is removed')
    return pauseAfterStep(report, Math.random())
  }

  function reportBug(error: unknown): void {
    log.error({ code: errorCode(error) }, 'statement failed for good')
  }

  log.info({ slots: config.concurrency }, 'worker started')
  if (config.allowLoopback) log.warn('receivers on loopback are allowed: for development only')
  progress.note('claim')
  const showLifeOnce = progress.track('heartbeat', () => showLife(supervisor.poolId))
  const living = loop(showLifeOnce, leaving.signal, reportBug)
  const takeTurn = progress.track('dispatch', () => dispatcher.takeTurn(workers))
  const dispatching = loop(takeTurn, stopping, reportBug, dispatcher.wait)
  const steps = [
    progress.track('maintenance', maintainOnce),
    progress.track('tidying', tidyOnce),
    progress.track('redrive', redriveOnce),
    progress.track('retention', retainOnce),
  ]
  await Promise.all([dispatching, ...steps.map((step) => loop(step, stopping, reportBug))])

  await supervisor.stop(config.shutdownMs)
  await deliverer.finish()
  leaving.abort() // a sign of life after the last word would be a worker that nobody is
  await living
  try {
    const handedBack = await leave(ledger, self, supervisor.poolIds, AbortSignal.timeout(LEAVE_WITHIN_MS))
    log.info({ handed_back: handedBack }, 'worker stopped')
  } finally {
    await lifeline.close()
  }
}
