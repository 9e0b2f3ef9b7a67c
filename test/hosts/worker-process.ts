import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { WORKER_BIN } from '../support/worker-bin.ts'
import { spawnOn, type WorkerHost } from './network.ts'

/** A line of a worker's log about an attempt. */
export interface Attempt {
  readonly jti: string
  readonly outcome: string
  readonly error?: string
}

/** A `risc-worker run` on a host of its own. */
export interface WorkerProcess {
  readonly host: WorkerHost
  /** Every attempt it logged. */
  readonly attempts: readonly Attempt[]
  /** The end of its log, for people. */
  recentLog(): string
  /** Rejects if the process ends before it was told to. */
  readonly died: Promise<never>
  /** Asks it to end in order. Resolves with its exit code, or the signal that ended it instead. */
  stop(): Promise<number | string>
}

const LINES_KEPT = 12

export function startWorker(host: WorkerHost, settings: NodeJS.ProcessEnv): WorkerProcess {
  const child = spawnOn(host, [WORKER_BIN, 'run'], {
    env: { PATH: process.env['PATH'], RISC_WORKER_NAME: host, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const attempts: Attempt[] = []
  const recent: string[] = []
  const keep = (line: string): void => {
    recent.push(line)
    if (recent.length > LINES_KEPT) recent.shift()
  }
  createInterface(child.stderr as Readable).on('line', keep)
  createInterface(child.stdout as Readable).on('line', (line) => {
    const entry: Partial<Attempt> = JSON.parse(line)
    if (entry.outcome !== undefined) attempts.push(entry as Attempt)
    if (entry.outcome !== 'accepted') keep(line)
  })

  let stopping = false
  const ended = once(child, 'close').then(([code, signal]) => (signal ?? code) as number | string)
  const died = ended.then((end) => {
    if (stopping) return new Promise<never>(() => undefined)
    throw new Error(`${host} ended by itself: ${end}`)
  })
  died.catch(() => undefined) // may be long before anybody looks

  return {
    host,
    attempts,
    recentLog: () => [`${host}:`, ...recent].join('\n  '),
    died,
    stop() {
      stopping = true
      child.kill('SIGTERM')
      return ended
    },
  }
}
