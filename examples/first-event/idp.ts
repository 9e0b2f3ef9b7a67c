import { Kysely, PostgresDialect, sql } from 'kysely'
import { Pool } from 'pg'

interface IdpDatabase {
  users: { id: string; disabled: boolean }
}

/** What an IdP has long had: its own database, with its users. */
export const db: Kysely<IdpDatabase> = new Kysely<IdpDatabase>({
  dialect: new PostgresDialect({ pool: new Pool({ connectionString: process.env['DATABASE_URL'] }) }),
})

await sql`create table if not exists users (id text primary key, disabled boolean not null)`.execute(db)
await db
  .insertInto('users')
  .values({ id: 'u-123', disabled: false })
  .onConflict((conflict) => conflict.column('id').doUpdateSet({ disabled: false }))
  .execute()
