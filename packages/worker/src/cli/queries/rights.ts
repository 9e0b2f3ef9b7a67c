import { type Kysely, sql } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import type { GrantName } from '../../grants.ts'

/** The rights of a grant that this role lacks, as in `execute on risc.claim`. */
export async function listMissingRights(db: Kysely<OutboxDatabase>, grant: GrantName): Promise<string[]> {
  const { rows } = await sql<{ missing: string }>`
    select m.privilege || coalesce(' (' || array_to_string(m.columns, ', ') || ')', '') || ' on ' || m.object as missing
    from risc.missing_rights(${grant}, current_user) m`.execute(db)
  return rows.map(({ missing }) => missing)
}

/** Whether this role may vacuum a table between two of autovacuum's turns: before PostgreSQL 17 its owner alone may. */
export async function mayVacuum(db: Kysely<OutboxDatabase>): Promise<boolean> {
  const { rows } = await sql<{ may: boolean }>`
    select current_setting('server_version_num')::integer >= 170000 or pg_has_role(c.relowner, 'usage') as may
    from pg_class c where c.oid = 'risc.inflight'::regclass`.execute(db)
  return rows[0]?.may === true
}
