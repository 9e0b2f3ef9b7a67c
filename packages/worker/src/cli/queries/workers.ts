import { type Kysely, sql } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'

/** A worker process that is alive. */
export interface LiveWorker {
  readonly id: string
  readonly name: string
  readonly slots: number
  readonly in_flight: number
  readonly started_at: Date
  readonly beat_at: Date
  /** By the database's clock. */
  readonly beat_age_seconds: number
}

/** The workers that dispatch counts on. */
export function readLiveWorkers(db: Kysely<OutboxDatabase>): Promise<LiveWorker[]> {
  return db
    .with('held', (cte) =>
      cte
        .selectFrom('risc.inflight')
        .select(['worker_id', sql<string>`count(*)`.as('count')])
        .groupBy('worker_id'),
    )
    .selectFrom('risc.workers as w')
    .leftJoin('held as h', 'h.worker_id', 'w.id')
    .select(['w.id', 'w.name', 'w.slots', sql<number>`coalesce(h.count, 0)::float8`.as('in_flight')])
    .select([
      'w.started_at',
      'w.beat_at',
      sql<number>`round(extract(epoch from now() - w.beat_at), 3)::float8`.as('beat_age_seconds'),
    ])
    .where('w.beat_at', '>', sql<Date>`now() - risc.worker_ttl()`)
    .orderBy('w.name')
    .execute()
}
