import type { Environment } from '../config.ts'

/** All that a command knows of the process it runs in. */
export interface World {
  readonly env: Environment
  /** For data. */
  readonly stdout: Output
  /** For people. */
  readonly stderr: Output
  /** Reads all of standard input. */
  readStdin(): Promise<string>
  readonly hostname: string
  readonly pid: number
  /** Calls back at every signal that asks the process to end. */
  onSignal(listener: (signal: string) => void): void
  /** Calls back whenever the terminal has another size. */
  onResize(listener: () => void): void
  /** Calls back at every key, which the terminal does not show then, until the function that it returns is called. */
  onKey(listener: (key: string) => void): () => void
  /** Calls back at every rejection that nobody handles; what the listener throws ends the process. */
  onUnhandledRejection(listener: (reason: unknown) => void): void
  /** Ends the process at once, whatever is under way. */
  exit(code: number): void
}

/** A file, a pipe or a terminal; only a terminal has a size. */
export interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  write(text: string): unknown
}
