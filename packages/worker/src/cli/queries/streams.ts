import { type Insertable, type Kysely, type Selectable, sql } from 'kysely'
import type { OutboxDatabase, StreamTable } from 'risc-outbox'

/** A stream as its operator sees it: that it has a credential, never which. */
export interface Stream extends Omit<Selectable<StreamTable>, 'authorization_header' | 'max_age' | 'rate_interval'> {
  readonly rate_interval_seconds: number
  readonly max_age_seconds: number
  readonly has_authorization: boolean
}

/** The streams, by id. */
export function listStreams(db: Kysely<OutboxDatabase>): Promise<Stream[]> {
  return db
    .selectFrom('risc.streams')
    .select(['id', 'profile', 'endpoint_url', 'audience', 'events_requested'])
    .select(['status', 'status_reason', 'status_changed_at', 'ordering', 'max_in_flight', 'rate_limit'])
    .select(sql<number>`extract(epoch from rate_interval)::float8`.as('rate_interval_seconds'))
    .select(['timeout_ms', 'retry_delays_ms'])
    .select(sql<number>`extract(epoch from max_age)::float8`.as('max_age_seconds'))
    .select(sql<boolean>`authorization_header is not null`.as('has_authorization'))
    .select('created_at')
    .orderBy('id')
    .execute()
}

/** Adds a stream; returns `false` and changes nothing when there is one of this id already. */
export async function insertStream(db: Kysely<OutboxDatabase>, stream: Insertable<StreamTable>): Promise<boolean> {
  const inserted = await db
    .insertInto('risc.streams')
    .values(stream)
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted !== undefined
}

/** The ids of all streams. */
export async function listStreamIds(db: Kysely<OutboxDatabase>): Promise<string[]> {
  const rows = await db.selectFrom('risc.streams').select('id').orderBy('id').execute()
  return rows.map(({ id }) => id)
}
