import { type Kysely, sql } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'

/** The server as a connection finds it. */
export interface Server {
  readonly version: string
  readonly version_number: number
  readonly read_only: boolean
}

/** What keeps the database from forgetting dead rows. */
export interface OldestSnapshot {
  readonly holder: string
  readonly age_seconds: number
}

/** Says which server this is. */
export async function readServer(db: Kysely<OutboxDatabase>): Promise<Server> {
  const { rows } = await sql<Server>`
    select current_setting('server_version') as version, current_setting('server_version_num')::integer as version_number,
      current_setting('transaction_read_only')::boolean as read_only`.execute(db)
  return only(rows)
}

/** The time by the database's clock. */
export async function readClock(db: Kysely<OutboxDatabase>): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(db)
  return only(rows).now
}

/**
 * The transaction that has been open for longest, prepared ones included; `undefined` if there is none but this. A role
 * that is not in pg_read_all_stats sees those of its own alone.
 */
export async function readOldestSnapshot(db: Kysely<OutboxDatabase>): Promise<OldestSnapshot | undefined> {
  const { rows } = await sql<OldestSnapshot>`
    select o.holder, extract(epoch from clock_timestamp() - o.began_at)::float8 as age_seconds
    from (
      select 'process ' || a.pid as holder, a.xact_start as began_at from pg_stat_activity a
      where a.datname = current_database() and a.pid <> pg_backend_pid() and a.backend_xmin is not null
      union all
      select 'prepared transaction ' || quote_literal(p.gid), p.prepared from pg_prepared_xacts p
      where p.database = current_database()) o
    where o.began_at is not null
    order by o.began_at limit 1`.execute(db)
  return rows[0]
}

/** Tells whether this role sees everybody's transactions. */
export async function seesAllTransactions(db: Kysely<OutboxDatabase>): Promise<boolean> {
  const { rows } = await sql<{ sees: boolean }>`
    select pg_has_role('pg_read_all_stats', 'usage') as sees`.execute(db)
  return only(rows).sees
}

/** The tables that autovacuum leaves alone; all of them as `autovacuum` or `track_counts` if that is off for the server. */
export async function listUnvacuumed(db: Kysely<OutboxDatabase>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select s.name from pg_settings s where s.name in ('autovacuum', 'track_counts') and s.setting = 'off'
    union all
    select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('risc', 'risc_worker') and c.relkind = 'r'
      and exists (
        select from unnest(c.reloptions) o
        where split_part(o, '=', 1) = 'autovacuum_enabled' and not split_part(o, '=', 2)::boolean)
    order by 1`.execute(db)
  return rows.map(({ name }) => name)
}

function only<Row>(rows: readonly Row[]): Row {
  const [row] = rows
  if (row === undefined) throw new TypeError('a select without a table always answers')
  return row
}
