import { type Kysely, type Selectable, sql } from 'kysely'
import type { DeadView, OutboxDatabase, PendingView } from 'risc-outbox'

/** Which deliveries to show. */
export interface DeliveryFilter {
  readonly streamId?: string | undefined
  readonly limit: number
}

/** A row of `risc.pending`, its age as a number. */
export interface PendingDelivery extends Omit<Selectable<PendingView>, 'age'> {
  readonly age_seconds: number
}

/** A row of `risc.dead`. */
export type DeadDelivery = Selectable<DeadView>

/** The deliveries that are to be sent, the soonest due first. Never selects the SET. */
export function listPending(
  db: Kysely<OutboxDatabase>,
  { streamId, state, limit }: DeliveryFilter & { readonly state?: 'queued' | 'dispatched' | undefined },
): Promise<PendingDelivery[]> {
  return db
    .selectFrom('risc.pending')
    .select(['jti', 'stream_id', 'event_type', 'txn', 'state', 'attempts', 'due_at', 'created_at'])
    .select(sql<number>`round(extract(epoch from age), 3)::float8`.as('age_seconds'))
    .select(['last_attempt_at', 'last_status', 'last_reason', 'last_description', 'worker', 'claimed_at'])
    .$if(streamId !== undefined, (query) => query.where('stream_id', '=', streamId ?? ''))
    .$if(state !== undefined, (query) => query.where('state', '=', state ?? 'queued'))
    .orderBy('due_at')
    .orderBy('jti')
    .limit(limit)
    .execute()
}

/** The dead letters, the latest first. Never selects the SET. */
export function listDead(db: Kysely<OutboxDatabase>, { streamId, limit }: DeliveryFilter): Promise<DeadDelivery[]> {
  return db
    .selectFrom('risc.dead')
    .selectAll()
    .$if(streamId !== undefined, (query) => query.where('stream_id', '=', streamId ?? ''))
    .orderBy('dead_at', 'desc')
    .orderBy('jti')
    .limit(limit)
    .execute()
}
