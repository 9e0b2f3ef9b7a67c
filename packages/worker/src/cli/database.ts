import { Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'
import type { OutboxDatabase } from 'risc-outbox'

/** Lets one command use the outbox, and lets go of it whatever happens. */
export async function withDatabase<Result>(
  databaseUrl: string,
  use: (db: Kysely<OutboxDatabase>) => Promise<Result>,
): Promise<Result> {
  const pool = new Pool({
    connectionString: databaseUrl,
    application_name: 'risc-worker command',
    connectionTimeoutMillis: 10_000,
    max: 1,
  })
  pool.on('error', () => undefined) // the statement under way reports it
  pool.on('connect', (client) => void client.on('error', () => undefined))
  const db = new Kysely<OutboxDatabase>({ dialect: new PostgresDialect({ pool }) })
  try {
    return await use(db)
  } finally {
    await db.destroy()
  }
}
