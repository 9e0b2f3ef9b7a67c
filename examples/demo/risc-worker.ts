import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { print } from './print.ts'

const LOG_LINES = 20

/** A `risc-worker run` of its own process, as it would run on another host. */
export interface WorkerProcess {
  readonly name: string
  /** Rejects if the process ends before it was told to. */
  readonly died: Promise<never>
  /** The end of its log. */
  recentLog(): string
  /** Ends it on the spot, whatever it has in hand. */
  kill(): Promise<void>
  /** Asks it to finish what it has in hand; rejects if it does not end in order. Nothing to do for one that was killed. */
  stop(): Promise<void>
}

/** Runs one command to its end, as an operator would type it. */
export async function runCommand(args: readonly string[], databaseUrl: string): Promise<void> {
  const child = start(args, { DATABASE_URL: databaseUrl })
  const complaints = child.stderr.toArray()
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`risc-worker ${args.join(' ')}: exit code ${code}\n${(await complaints).join('')}`)
}

export function startWorker(name: string, databaseUrl: string): WorkerProcess {
  const child = start(['run'], { DATABASE_URL: databaseUrl, RISC_WORKER_NAME: name })
  const killWithUs = () => child.kill('SIGKILL')
  process.once('exit', killWithUs)

  let attempts = 0
  const log: string[] = []
  createInterface(child.stdout).on('line', (line) => {
    if (line.includes('"outcome":')) attempts++
    log.push(line)
  })
  createInterface(child.stderr).on('line', (line) => log.push(line))

  let stopping = false
  let killed = false
  const ended = once(child, 'close').then(([code, signal]) => {
    process.off('exit', killWithUs)
    if (!killed && (code !== 0 || !stopping)) throw new Error(`${name} ended: ${signal ?? `exit code ${code}`}`)
  })
  const died = ended.then(() => new Promise<never>(() => undefined))
  died.catch(() => undefined) // may be long before anybody looks

  return {
    name,
    died,
    recentLog: () => [`${name}:`, ...log.slice(-LOG_LINES)].join('\n'),
    async kill() {
      killed = true
      child.kill('SIGKILL')
      await ended
    },
    async stop() {
      if (killed) return
      stopping = true
      child.kill('SIGTERM')
      await ended
      print(name, `stopped in order, after ${attempts} attempts`)
    },
  }
}

function start(args: readonly string[], settings: NodeJS.ProcessEnv): ChildProcessByStdio<null, Readable, Readable> {
  return spawn('risc-worker', args, {
    env: { ...process.env, RISC_ALLOW_LOOPBACK: 'true', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // Ctrl-C is for the demo, which brings everything to an end in order
  })
}
