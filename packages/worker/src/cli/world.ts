import type { Environment } from '../config.ts'

/** All that a command knows of the process it runs in. */
export interface World {
  readonly env: Environment
  /** For data. */
  readonly stdout: Output
  /** For people. */
  readonly stderr: Output
  readonly hostname: string
  readonly pid: number
  /** Calls back at every signal that asks the process to end. */
  onSignal(listener: (signal: string) => void): void
  /** Calls back at every rejection that nobody handles; what the listener throws ends the process. */
  onUnhandledRejection(listener: (reason: unknown) => void): void
  /** Ends the process at once, whatever is under way. */
  exit(code: number): void
}

export interface Output {
  write(text: string): unknown
}
