import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { eventually } from './eventually.ts'

/** A `risc-worker` command in a process of its own. */
export interface RiscWorkerProcess {
  readonly name: string
  /** What it logged, line by line. */
  readonly logged: readonly Record<string, unknown>[]
  /** The exit code, or the signal that ended it; `undefined` while it lives. */
  readonly end: string | undefined
  /** Waits for its end. */
  ended(): Promise<string>
  kill(signal: NodeJS.Signals): void
  /** Waits for a line of the log. Rejects if the process ends before it. */
  saw(line: (entry: Record<string, unknown>) => boolean, what: string): Promise<void>
  /** What it complained of. */
  readonly complaints: Promise<string>
}

const BIN = fileURLToPath(new URL('bin.ts', new URL('cli/', import.meta.resolve('risc-worker'))))

const reaper = spawn(process.execPath, [fileURLToPath(new URL('reaper.ts', import.meta.url))], {
  stdio: ['pipe', 'ignore', 'inherit'],
  detached: true, // Ctrl-C is for the tests
})
reaper.stdin.on('error', () => undefined)
reaper.unref()

/** Starts it. `name` is what the database's `application_name` shows of it, beside its own log. */
export function startRiscWorker(
  argv: readonly string[],
  { databaseUrl, name, ...settings }: { readonly databaseUrl: string; readonly name: string } & NodeJS.ProcessEnv,
): RiscWorkerProcess {
  const url = new URL(databaseUrl)
  url.searchParams.set('application_name', name)
  const env = { PATH: process.env['PATH'], ...settings, DATABASE_URL: url.href }
  const child = spawn(process.execPath, [BIN, ...argv], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  reaper.stdin.write(`+${child.pid}\n`)

  const logged: Record<string, unknown>[] = []
  createInterface(child.stdout).on('line', (line) => {
    if (line.startsWith('{')) logged.push(JSON.parse(line))
  })
  let end: string | undefined
  child.once('exit', (code, signal) => {
    reaper.stdin.write(`-${child.pid}\n`)
    end = String(signal ?? code)
  })

  return {
    name,
    logged,
    get end() {
      return end
    },
    ended: () => eventually(async () => end, `${name} to end`),
    complaints: text(child.stderr),
    kill: (signal) => void child.kill(signal),
    async saw(line, what) {
      await eventually(async () => {
        if (logged.some(line)) return true
        if (end !== undefined) throw new Error(`${name} ended (${end}) before ${what}`)
        return undefined
      }, `${name}: ${what}`)
    },
  }
}
