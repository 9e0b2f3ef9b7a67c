import { type Kysely, sql } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'

/** What a worker calls by its statements, and what graphile-worker's runner and our functions call for it. */
const FUNCTIONS = [
  ...['risc.beat', 'risc.lifeline', 'risc.leave', 'risc.dispatch', 'risc.claim', 'risc.settle', 'risc.hand_back'],
  ...['risc.maintain', 'risc.survey', 'risc.tidy', 'risc.redrive', 'risc.retain'],
  ...['risc.stream_figures', 'risc.database_figures'],
  ...['risc_worker.add_jobs', 'risc_worker.complete_jobs', 'risc_worker.force_unlock_workers'],
]

/** What a worker does with tables, where its functions run with the rights of their caller. */
const TABLES = {
  'risc.deliveries': ['select', 'update', 'delete'],
  'risc.inflight': ['select', 'insert', 'update', 'delete'],
  'risc.urgent': ['select', 'delete'],
  'risc.history': ['insert'],
  'risc.attempts': ['insert'],
  'risc.streams': ['select', 'update'],
  'risc.flow': ['select', 'update'],
  'risc.pace': ['select', 'update'],
  'risc.survey': ['select', 'update'],
  'risc.redrives': ['select'],
  'risc.redrive_streams': ['select', 'update'],
  'risc.workers': ['select', 'insert', 'update', 'delete'],
  'risc_worker._private_jobs': ['select', 'insert', 'update', 'delete'],
  'risc_worker._private_tasks': ['select', 'insert'],
} as const

/** The rights that a worker needs and this role lacks, as in `execute on risc.claim`. */
export async function listMissingRights(db: Kysely<OutboxDatabase>): Promise<string[]> {
  const needed = Object.entries(TABLES).flatMap(([name, rights]) => rights.map((right) => ({ name, right })))
  const { rows } = await sql<{ missing: string }>`
    with called as (
      select p.oid, n.nspname || '.' || p.proname as name, p.prosecdef
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where n.nspname || '.' || p.proname = any (${FUNCTIONS}::text[])
    )
    select 'usage on schema ' || n.nspname as missing from pg_namespace n
    where n.nspname in ('risc', 'risc_worker') and not has_schema_privilege(n.oid, 'usage')
    union all
    select 'execute on ' || c.name from called c where not has_function_privilege(c.oid, 'execute')
    union all
    select r.right || ' on ' || r.name
    from jsonb_to_recordset(${JSON.stringify(needed)}::jsonb) as r (name text, "right" text)
    join pg_namespace n on n.nspname = split_part(r.name, '.', 1)
    join pg_class c on c.relnamespace = n.oid and c.relname = split_part(r.name, '.', 2)
    where exists (select from called f where not f.prosecdef) and not has_table_privilege(c.oid, r.right)`.execute(db)
  return rows.map(({ missing }) => missing)
}
