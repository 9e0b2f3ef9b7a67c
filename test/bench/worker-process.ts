import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from 'pg'
import { WORKER_BIN } from '../support/worker-bin.ts'
import { type Child, startChild } from './child.ts'

/** Runs `risc-worker run` in a process of its own. */
export function startWorkerProcess(
  databaseUrl: string,
  settings: Readonly<Record<string, string>> = {},
  nodeOptions: readonly string[] = [],
): Child {
  const env = { ...process.env, DATABASE_URL: databaseUrl, RISC_ALLOW_LOOPBACK: 'true', ...settings }
  return startChild([...nodeOptions, WORKER_BIN, 'run'], env)
}

const START_WITHIN_MS = 60_000

/** Waits for so many workers that take jobs. */
export async function workersStarted(pool: Pool, count: number): Promise<void> {
  const deadline = performance.now() + START_WITHIN_MS
  while (((await pool.query('select from risc.workers where pool_id is not null')).rowCount ?? 0) < count) {
    if (performance.now() > deadline) throw new Error(`no ${count} workers within ${START_WITHIN_MS / 1000} s`)
    await sleep(20)
  }
}
