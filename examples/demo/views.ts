import { type Kysely, sql } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'

const shortType = sql<string>`substring(event_type from '[^/]+$')`.as('event')
const shortTxn = sql<string>`right(txn, 8)`.as('txn')

/** What still waits, or is under way. */
export function listPending(db: Kysely<OutboxDatabase>) {
  return db
    .selectFrom('risc.pending')
    .select(['stream_id', shortType, shortTxn, 'state', 'attempts', 'last_status', 'last_reason', 'worker'])
    .orderBy('created_at')
    .execute()
}

/** Who holds what is not settled. */
export function listUnsettled(db: Kysely<OutboxDatabase>) {
  return db.selectFrom('risc.pending').select(['jti', 'stream_id', 'state', 'worker', 'claimed_at']).execute()
}

/** What was given up. */
export function listDead(db: Kysely<OutboxDatabase>) {
  return db
    .selectFrom('risc.dead')
    .select(['stream_id', shortType, shortTxn, 'attempts', 'dead_because', 'status', 'reason', 'description'])
    .orderBy('created_at')
    .execute()
}

/** How each stream fares. */
export function listHealth(db: Kysely<OutboxDatabase>) {
  return db
    .selectFrom('risc.stream_health')
    .select(['stream_id', 'profile', 'status', 'breaker_open_because', 'queued', 'dispatched', 'dead'])
    .orderBy('stream_id')
    .execute()
}

/** What was accepted. */
export function listHistory(db: Kysely<OutboxDatabase>) {
  return db
    .selectFrom('risc.history')
    .select(['stream_id', shortType, shortTxn, 'outcome', 'status', 'attempts'])
    .select(sql<string>`round(extract(epoch from settled_at - created_at) * 1000)`.as('ms'))
    .orderBy('created_at')
    .orderBy('stream_id')
    .execute()
}

/** How each delivery ended, by the outbox's own account. */
export function listEnds(db: Kysely<OutboxDatabase>) {
  return db
    .selectFrom('risc.history')
    .select(['jti', 'stream_id', shortType, 'attempts', 'status'])
    .unionAll(db.selectFrom('risc.dead').select(['jti', 'stream_id', shortType, 'attempts', 'status']))
    .execute()
}

/** How many workers are ready to deliver. */
export async function countWorkers(db: Kysely<OutboxDatabase>): Promise<number> {
  const workers = await db.selectFrom('risc.workers').select('id').where('pool_id', 'is not', null).execute()
  return workers.length
}
