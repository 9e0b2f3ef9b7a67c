import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { WORKER_BIN } from '../support/worker-bin.ts'

/** Runs `risc-worker run` in a process of its own, until the function it returns is called. */
export function startWorkerProcess(databaseUrl: string): () => Promise<void> {
  const env = { ...process.env, DATABASE_URL: databaseUrl, RISC_ALLOW_LOOPBACK: 'true' }
  const worker = spawn(process.execPath, [WORKER_BIN, 'run'], { env, stdio: ['ignore', 'ignore', 'inherit'] })
  return async () => {
    worker.kill('SIGTERM')
    await once(worker, 'exit')
  }
}
