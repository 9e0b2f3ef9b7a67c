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
    const config: WorkerConfig = {
      databaseUrl: database.url,
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
      ...settings,
    }
    const worker = startTestWorker(config, options)
    started.push(worker)
    return worker
  }
})

function startTestWorker(config: WorkerConfig, options: WorkerOptions): StartedWorker {
  const logged: Record<string, unknown>[] = []
  const write = (line: string): void => {
    overhear('the log of a worker', line)
    logged.push(JSON.parse(line))
  }
  const log = pino({ level: config.logLevel }, { write })
  return { ...startWorker(config, { ...options, log }), logged }
}
