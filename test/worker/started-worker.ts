import { pino } from 'pino'
import { startWorker, type Worker, type WorkerConfig, type WorkerOptions } from 'risc-worker'
import { overhear } from '../support/overheard.ts'
import { test as base } from '../support/test.ts'
import { TEST_KEYS } from './test-keys.ts'

/** A worker in this process, and the lines it logged. */
export interface StartedWorker extends Worker {
  readonly logged: readonly Record<string, unknown>[]
}

/** The project's `test` with `start`, which starts as many workers on the test's database as it needs. */
export const test = base.extend('start', async ({ database }, { onCleanup }) => {
  const started: StartedWorker[] = []
  onCleanup(async () => {
    await Promise.allSettled(started.map((worker) => worker.stop()))
  })
  return (settings: Partial<WorkerConfig> = {}, options: Omit<WorkerOptions, 'log'> = {}): StartedWorker => {
    const worker = startTestWorker({ ...testConfig, databaseUrl: database.url, ...settings }, options)
    started.push(worker)
    return worker
  }
})

/** All that a worker needs but its database. */
export const testConfig: Omit<WorkerConfig, 'databaseUrl'> = {
  concurrency: 20,
  allowLoopback: true,
  allowNat64: false,
  dnsServers: [],
  httpsProxy: undefined,
  shutdownMs: 5000,
  credentials: { keys: TEST_KEYS, sources: { directory: undefined, env: {} } },
  keptDays: { dead: 30, history: 90, attempts: 14 },
  logLevel: 'trace',
  name: 'test-worker',
  metricsStreams: 200,
}

/** Starts a worker in this process, for whoever has it stopped. */
export function startTestWorker(config: WorkerConfig, options: Omit<WorkerOptions, 'log'> = {}): StartedWorker {
  const logged: Record<string, unknown>[] = []
  const write = (line: string): void => {
    overhear('the log of a worker', line)
    logged.push(JSON.parse(line))
  }
  const log = pino({ level: config.logLevel }, { write })
  return { ...startWorker(config, { ...options, log }), logged }
}
