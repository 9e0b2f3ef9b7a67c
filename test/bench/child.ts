import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** A process of the bench's own. */
export interface Child {
  readonly pid: number
  /** Rejects if it ends with an error, unless it was told to end. */
  readonly failed: Promise<never>
  /** Asks it to end, and waits until it has. */
  stop(): Promise<void>
  /** Ends it where it stands. */
  kill(): Promise<void>
}

/** Starts Node with `args` in a process of its own, whose stderr is ours. */
export function startChild(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Child {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = once(child, 'exit')
  let told = false
  const failed = new Promise<never>((_, reject) => {
    child.once('exit', (code) => {
      if (!told && code !== 0) reject(new Error(`a process of the bench ended by itself, with exit code ${code}`))
    })
  })
  failed.catch(() => undefined) // nobody may be waiting
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    told = true
    child.kill(signal)
    await ended
  }
  return { pid: child.pid ?? -1, failed, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') }
}
