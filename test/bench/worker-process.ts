import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from 'pg'
import { WORKER_BIN } from '../support/worker-bin.ts'

/** Runs `risc-worker run` in a process of its own, until the function it returns is called. */
export function startWorkerProcess(
  databaseUrl: string,
  settings: Readonly<Record<string, string>> = {},
): () => Promise<void> {
  const env = { ...process.env, DATABASE_URL: databaseUrl, RISC_ALLOW_LOOPBACK: 'true', ...settings }
  const worker = spawn(process.execPath, [WORKER_BIN, 'run'], { env, stdio: ['ignore', 'ignore', 'inherit'] })
  return async () => {
    worker.kill('SIGTERM')
    await once(worker, 'exit')
  }
}

/** Waits for so many workers that take jobs. */
export async function workersStarted(pool: Pool, count: number): Promise<void> {
  while (((await pool.query('select from risc.workers where pool_id is not null')).rowCount ?? 0) < count) {
    await sleep(20)
  }
}
