import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { main } from '../../../packages/worker/src/cli/main.ts'
import type { World } from '../../../packages/worker/src/cli/world.ts'
import type { Environment } from '../../../packages/worker/src/config.ts'
import { allowedTo, overhear } from '../../support/overheard.ts'
import { DEAF } from './leaves.ts'

/** What a command came to. */
export interface Result {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command in this process. */
export async function runCommand(
  argv: readonly string[],
  env: Environment,
  world: Partial<World> = {},
): Promise<Result> {
  let stdout = ''
  let stderr = ''
  const code = await main(argv, {
    ...DEAF,
    env,
    stdout: { write: (chunk) => (stdout += chunk) },
    stderr: { write: (chunk) => (stderr += chunk) },
    ...world,
  })
  const name = `risc-worker ${argv.join(' ')}`.slice(0, 200)
  overhear(`${name}, stdout`, stdout, allowedTo(argv))
  overhear(`${name}, stderr`, stderr, allowedTo(argv))
  return { code, stdout, stderr }
}

/** Runs a command that has to succeed, and reads the document it prints. */
export async function runJson<Document>(argv: readonly string[], env: Environment): Promise<Document> {
  const { code, stdout, stderr } = await runCommand([...argv, '--json'], env)
  if (code !== 0) throw new Error(`${argv.join(' ')} exited ${code}: ${stderr}`)
  return JSON.parse(stdout) as Document
}

export type CommandProcess = ChildProcessByStdio<null, Readable, Readable>

const BIN = fileURLToPath(new URL('../../../packages/worker/src/cli/bin.ts', import.meta.url))

/** Starts a command as people do: as a process of its own, which sees no environment but `env`. */
export function spawnCommand(argv: readonly string[], env: Environment): CommandProcess {
  const child = spawn(process.execPath, [BIN, ...argv], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL')) // a test that failed has not ended it
  return child
}

/** Waits for the end of a command. */
export async function finished(child: CommandProcess): Promise<Result> {
  const [[code], stdout, stderr] = await Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)])
  return { code, stdout, stderr }
}
