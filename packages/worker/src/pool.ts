import { Socket } from 'node:net'
import { Pool } from 'pg'
import { sessionOf } from './session.ts'

/** A pool that half-open connections cannot hold up, and that can be thrown away at any moment. */
export interface DisposablePool extends Pool {
  /** Ends the pool; a server that does not answer is not waited for. */
  close(): Promise<void>
}

/** How to open a pool. */
export interface PoolSettings {
  readonly max: number
  /** The `application_name` that `pg_stat_activity` shows. */
  readonly name: string
  /** Whether a commit waits for the disk. Not worth it for what is made again when a crash forgets it. */
  readonly durable: boolean
  /** How long a statement may take before its connection is given up. */
  readonly answerWithinMs?: number | undefined
  /** Called whenever a connection is lost. */
  readonly onTrouble?: (error: Error) => void
}

const CLOSE_WITHIN_MS = 1000

const SESSION = [
  // Each statement must see what the one before it in turn committed, whatever the database's default.
  'default_transaction_isolation=read\\ committed',
  // A frozen connection that the client has given up holds its place on the server until these find out.
  'tcp_keepalives_idle=10',
  'tcp_keepalives_interval=5',
  'tcp_keepalives_count=3',
  'tcp_user_timeout=15000',
]

export function openPool(
  databaseUrl: string,
  { max, name, durable, answerWithinMs = 5000, onTrouble = () => undefined }: PoolSettings,
): DisposablePool {
  const sockets = new Set<Socket>()
  const session = durable ? SESSION : [...SESSION, 'synchronous_commit=off']
  const pool = new Pool({
    ...sessionOf(databaseUrl, session),
    application_name: name,
    max,
    connectionTimeoutMillis: 3000,
    query_timeout: answerWithinMs,
    statement_timeout: answerWithinMs - 500,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5000,
    stream: () => {
      const socket = new Socket()
      sockets.add(socket)
      return socket.once('close', () => sockets.delete(socket))
    },
  })
  pool.on('error', onTrouble)
  pool.on('connect', (client) => void client.on('error', onTrouble))

  async function close(): Promise<void> {
    const destroy = setTimeout(() => {
      for (const socket of sockets) socket.destroy()
    }, CLOSE_WITHIN_MS)
    await pool.end().catch(() => undefined)
    clearTimeout(destroy)
  }
  return Object.assign(pool, { close })
}
