import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'

/** That a receiver knows a user. */
export interface LinkRow {
  readonly user_id: string
  readonly stream_id: string
  readonly subject: unknown
}

/** What a delivery was before it was erased; `claimed` is one that a worker, or somebody else, holds. */
export type ErasedState = 'queued' | 'dispatched' | 'dead' | 'claimed'

/** A delivery as far as it tells whom it is about. */
export interface OwedRow {
  readonly id: string
  readonly stream_id: string
  readonly order_key: string | null
  /** The claims of its SET, as the token has them; `null` where only the receiver can read them. */
  readonly payload: string | null
  readonly was: ErasedState
  /** Whether what its receiver said quotes the person. */
  readonly quotes: boolean
}

/** What quotes the person, in one stream or in all. */
export interface Quotation {
  readonly words: readonly string[]
  readonly streamId: string | undefined
}

const ROWS_READ = 2000

/** All links, of one stream or of all, a batch at a time. */
export function readLinks(db: Kysely<OutboxDatabase>, streamId: string | undefined): AsyncGenerator<LinkRow[]> {
  return batches((last) =>
    db
      .selectFrom('risc.subjects')
      .select(['user_id', 'stream_id', 'subject'])
      .where(sql<boolean>`(user_id, stream_id) > (${last?.user_id ?? ''}, ${last?.stream_id ?? ''})`)
      .where(inStream('stream_id', streamId))
      .orderBy('user_id')
      .orderBy('stream_id')
      .limit(ROWS_READ)
      .execute(),
  )
}

/** The links of these users. */
export function readLinksOf(
  db: Kysely<OutboxDatabase>,
  users: readonly string[],
  streamId: string | undefined,
): Promise<LinkRow[]> {
  return db
    .selectFrom('risc.subjects')
    .select(['user_id', 'stream_id', 'subject'])
    .where(sql<boolean>`user_id = any (${[...users]}::text[])`)
    .where(inStream('stream_id', streamId))
    .execute()
}

/** Takes links away, unless they have become others meanwhile. */
export async function deleteLinks(db: Kysely<OutboxDatabase>, links: readonly LinkRow[]): Promise<void> {
  await sql`
    delete from risc.subjects s
    using jsonb_to_recordset(${JSON.stringify(links)}::jsonb) as l (user_id text, stream_id text, subject jsonb)
    where s.user_id = l.user_id and s.stream_id = l.stream_id and s.subject = l.subject`.execute(db)
}

/** All deliveries that are not settled, of one stream or of all, a batch at a time. */
export function readOwed(db: Kysely<OutboxDatabase>, { words, streamId }: Quotation): AsyncGenerator<OwedRow[]> {
  return batches(async (last) => {
    const { rows } = await sql<OwedRow>`
      select d.id, d.stream_id, d.order_key, 
        case when split_part(d.signed_set, '.', 5) = '' then split_part(d.signed_set, '.', 2) end as payload, -- RFC 7516 §3.1
        case when d.state = 'dead' then 'dead' when i.ticket is null then 'queued'
          when i.worker_id is null then 'dispatched' else 'claimed' end as was,
        ${quotes('d.last_description', words)} as quotes
      from risc.deliveries d left join risc.inflight i on i.delivery_id = d.id
      where d.id > ${last?.id ?? '0'} and ${inStream('d.stream_id', streamId)}
      order by d.id limit ${ROWS_READ}`.execute(db)
    return rows
  })
}

/** Erases deliveries, and tells what each was that is still there. */
export async function eraseDeliveries(
  db: Kysely<OutboxDatabase>,
  ids: readonly string[],
): Promise<{ readonly delivery_id: string; readonly was: ErasedState }[]> {
  return db
    .transaction()
    .setIsolationLevel('read committed') // to see what the pass handed over that it waits for
    .execute(async (trx) => {
      const { rows } = await sql<{ delivery_id: string; was: ErasedState }>`
        select delivery_id, was from risc.erase_deliveries(${[...ids]}::bigint[])`.execute(trx)
      return rows
    })
}

/** Removes what receivers last said of these deliveries. */
export async function forgetLastDescriptions(db: Kysely<OutboxDatabase>, ids: readonly string[]): Promise<void> {
  await sql`
    with owed as materialized (
      select d.id from risc.deliveries d where d.id = any (${[...ids]}::bigint[]) order by d.id for update
    )
    update risc.deliveries d set last_description = null from owed o where d.id = o.id`.execute(db)
}

/** When daily partitions begin and end, all time included: what lies between two of the bounds is in one, or in none. */
export async function dayBounds(
  db: Kysely<OutboxDatabase>,
  parent: 'risc.attempts' | 'risc.history',
): Promise<[from: string, to: string][]> {
  const { rows } = await sql<{ day: string }>`
    select substring(c.relname from '_(\\d{8})$') || ' UTC' as day
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = ${parent}::regclass and c.relname ~ '_\\d{8}$' order by 1`.execute(db)
  const days = rows.map(({ day }) => day)
  return ['-infinity', ...days].map((from, index) => [from, days[index] ?? 'infinity'])
}

/** Counts what receivers said in a time that quotes the person, and removes it unless this is a dry run. */
export function forgetDescriptions(
  db: Kysely<OutboxDatabase>,
  [from, to]: readonly [string, string],
  { words, streamId }: Quotation,
  dryRun: boolean,
): Promise<number> {
  const found = sql`ended_at >= ${from}::timestamptz and ended_at < ${to}::timestamptz
    and ${quotes('description', words)} and ${inStream('stream_id', streamId)}`
  return change(db, { table: 'risc.attempts', set: sql`description = null`, where: found }, dryRun)
}

/** The same for why operators discarded something, which has to have a reason. */
export function forgetDiscardReasons(
  db: Kysely<OutboxDatabase>,
  [from, to]: readonly [string, string],
  { words, streamId }: Quotation,
  dryRun: boolean,
): Promise<number> {
  const found = sql`settled_at >= ${from}::timestamptz and settled_at < ${to}::timestamptz and outcome = 'discarded'
    and ${quotes('reason', words)} and ${inStream('stream_id', streamId)}`
  return change(db, { table: 'risc.history', set: sql`reason = 'erased'`, where: found }, dryRun)
}

/** The same for why streams have the status they have. */
export function forgetStatusReasons(
  db: Kysely<OutboxDatabase>,
  { words, streamId }: Quotation,
  dryRun: boolean,
): Promise<number> {
  const found = sql`${quotes('status_reason', words)} and ${inStream('id', streamId)}`
  return change(db, { table: 'risc.streams', set: sql`status_reason = null`, where: found }, dryRun)
}

interface Change {
  readonly table: string
  readonly set: RawBuilder<unknown>
  readonly where: RawBuilder<unknown>
}

async function change(db: Kysely<OutboxDatabase>, { table, set, where }: Change, dryRun: boolean): Promise<number> {
  const statement = dryRun
    ? sql`select from ${sql.table(table)} where ${where}`
    : sql`update ${sql.table(table)} set ${set} where ${where} returning 1`
  return (await statement.execute(db)).rows.length
}

function quotes(column: string, words: readonly string[]): RawBuilder<boolean> {
  return sql`${sql.ref(column)} is not null and risc.quotes(${sql.ref(column)}, ${[...words]}::text[])`
}

function inStream(column: string, streamId: string | undefined): RawBuilder<boolean> {
  return streamId === undefined ? sql`true` : sql`${sql.ref(column)} = ${streamId}`
}

/** Reads on after the last row for as long as there are more. */
async function* batches<Row>(read: (last: Row | undefined) => Promise<Row[]>): AsyncGenerator<Row[]> {
  let rows = await read(undefined)
  while (rows.length > 0) {
    yield rows
    rows = rows.length < ROWS_READ ? [] : await read(rows.at(-1))
  }
}
