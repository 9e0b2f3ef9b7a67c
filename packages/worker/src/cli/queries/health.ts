import { type Kysely, type Selectable, sql } from 'kysely'
import type { OutboxDatabase, StreamHealthView } from 'risc-outbox'

/** A row of `risc.stream_health` with its figures as numbers. */
export interface StreamHealth extends Omit<Selectable<StreamHealthView>, 'queued' | 'dispatched' | 'dead' | 'lag'> {
  readonly queued: number
  readonly dispatched: number
  readonly dead: number
  readonly lag_seconds: number
}

/** How each stream is. */
export function readStreamHealth(db: Kysely<OutboxDatabase>): Promise<StreamHealth[]> {
  return db
    .selectFrom('risc.stream_health')
    .select(['stream_id', 'profile', 'status', 'status_reason', 'status_changed_at'])
    .select(['breaker_open_until', 'breaker_open_because', 'window_earned', 'rate_room_at'])
    .select([sql<number>`queued::float8`.as('queued'), sql<number>`dispatched::float8`.as('dispatched')])
    .select(['max_in_flight', sql<number>`dead::float8`.as('dead'), 'oldest_due_at'])
    .select(sql<number>`round(extract(epoch from lag), 3)::float8`.as('lag_seconds'))
    .orderBy('stream_id')
    .execute()
}
