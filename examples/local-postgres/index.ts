import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

export { freePort } from './free-port.ts'

/** What can be chosen of a throw-away PostgreSQL. */
export interface LocalPostgresOptions {
  /** As in `postgresql.conf`: `{ max_connections: '300' }`. */
  readonly settings?: Readonly<Record<string, string>>
  /** Keeps the data on disk even where memory has room for it, to measure what a disk allows. */
  readonly durable?: boolean
  /** Serves other hosts too. By default there is nobody but this one, on 127.0.0.1. */
  readonly network?: LocalNetwork
  /** A file that the server's log is appended to. */
  readonly logFile?: string
}

/** Where a throw-away PostgreSQL listens, and for whom. */
export interface LocalNetwork {
  /** The address of this host to listen on. */
  readonly address: string
  /** The addresses that may connect, as in `10.0.0.0/24`; by password, like everybody. */
  readonly clients: string
}

/** A running PostgreSQL. It ends with the process that started it, however that one ends. */
export interface LocalPostgres {
  /** For TCP on 127.0.0.1, or the address asked for, as a superuser. */
  readonly url: string
  /** Shuts the server down as `pg_ctl stop -m` does, and keeps its data. `immediate` is a crash to the server. */
  halt(mode: 'fast' | 'immediate'): Promise<void>
  /** Starts a halted server again: same port, same data. */
  resume(): Promise<void>
  /** Stops the server and removes its data. Rejects with the end of its log if it had died by itself. */
  stop(): Promise<void>
}

/**
 * Starts a new, empty PostgreSQL, with nothing to install and nothing left behind.
 *
 * @example A server for tests
 * const postgres = await startPostgres({ settings: { fsync: 'off' } })
 * const pool = new Pool({ connectionString: postgres.url })
 */
export async function startPostgres(options: LocalPostgresOptions = {}): Promise<LocalPostgres> {
  const server = spawn(
    process.execPath,
    [fileURLToPath(new URL('server.ts', import.meta.url)), JSON.stringify(options)],
    { detached: true }, // Ctrl-C is for the caller, who may need the database to come to an end
  )
  server.stdin.on('error', () => undefined) // a dead server is reported by its end
  const ended = endOf(server)
  const lines = createInterface(server.stdout)
  const nextLine = async (): Promise<string> => {
    const [line] = await Promise.race([once(lines, 'line'), ended.then(neverStarted)])
    return line
  }
  const order = async (word: string): Promise<void> => {
    const obeyed = nextLine()
    server.stdin.write(`${word}\n`)
    await obeyed
  }
  const url = await nextLine()
  return {
    url,
    halt: order,
    resume: () => order('resume'),
    async stop() {
      server.stdin.end()
      await ended
    },
  }
}

function neverStarted(): never {
  throw new Error('the local PostgreSQL was stopped before it had started')
}

function endOf(server: ChildProcessWithoutNullStreams): Promise<void> {
  const complaints = text(server.stderr)
  const ended = once(server, 'close').then(async ([code, signal]) => {
    if (code === 0) return
    throw new Error(`the local PostgreSQL failed (${signal ?? `exit code ${code}`}):\n${await complaints}`)
  })
  ended.catch(() => undefined) // may be long before anybody calls stop()
  return ended
}
