import { Kysely, PostgresDialect } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import { openCommandPool } from '../command-pool.ts'

/** Lets one command use the outbox, and lets go of it whatever happens. */
export async function withDatabase<Result>(
  databaseUrl: string,
  use: (db: Kysely<OutboxDatabase>) => Promise<Result>,
): Promise<Result> {
  const pool = openCommandPool(databaseUrl, { name: 'risc-worker command', max: 1 })
  const db = new Kysely<OutboxDatabase>({ dialect: new PostgresDialect({ pool }) })
  try {
    return await use(db)
  } finally {
    await db.destroy()
  }
}
