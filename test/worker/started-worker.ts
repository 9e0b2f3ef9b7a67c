import { pino } from 'pino'
import { startWorker, type Worker, type WorkerConfig } from 'risc-worker'
import { test as base } from '../support/test.ts'

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
  return (settings: Partial<WorkerConfig> = {}): StartedWorker => {
    const worker = startTestWorker({
      databaseUrl: database.url,
      concurrency: 20,
      allowLoopback: true,
      shutdownMs: 5000,
      logLevel: 'trace',
      name: 'test-worker',
      ...settings,
    })
    started.push(worker)
    return worker
  }
})

function startTestWorker(config: WorkerConfig): StartedWorker {
  const logged: Record<string, unknown>[] = []
  const log = pino({ level: config.logLevel }, { write: (line) => void logged.push(JSON.parse(line)) })
  return { ...startWorker(config, { log }), logged }
}
