import { Kysely, PostgresDialect, sql } from 'kysely'
import { Pool } from 'pg'

/** A partner's own database: its accounts, and beside them the `jti` of every SET it took. */
export interface AppDatabase {
  accounts: { idp_sub: string; disabled: boolean }
  received_sets: { issuer: string; jti: string }
}

/** Connects, and makes the tables where they are missing. */
export async function openDatabase(connectionString: string): Promise<Kysely<AppDatabase>> {
  const pool = new Pool({ connectionString })
  pool.on('error', ({ message }) => console.error(message)) // an idle connection was cut off; the pool opens another
  const db = new Kysely<AppDatabase>({ dialect: new PostgresDialect({ pool }) })

  await sql`
    create table if not exists accounts (idp_sub text primary key, disabled boolean not null default false)
  `.execute(db)
  await sql`
    create table if not exists received_sets (
      issuer text not null,
      jti text not null,
      received_at timestamptz not null default now(), -- when to forget: once the issuer no longer tries again
      primary key (issuer, jti)
    )
  `.execute(db)
  return db
}
