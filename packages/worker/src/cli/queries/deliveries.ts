import { type Kysely, type RawBuilder, type Selectable, sql } from 'kysely'
import type { DeadView, HistoryTable, OutboxDatabase, PendingView } from 'risc-outbox'
import type { Moment } from '../moment.ts'
import { at } from './moment.ts'

/** Which deliveries to show; what is not there says nothing. */
export interface DeliveryFilter {
  readonly streamId?: string | undefined
  /** Its URI. */
  readonly eventType?: string | undefined
  readonly reason?: string | undefined
  readonly since?: Moment | undefined
  readonly until?: Moment | undefined
  readonly limit: number
}

/** A row of `risc.pending`, its age as a number. */
export interface PendingDelivery extends Omit<Selectable<PendingView>, 'age'> {
  readonly age_seconds: number
}

/** A row of `risc.dead`. */
export type DeadDelivery = Selectable<DeadView>

/** A row of `risc.history`, its hashes in hexadecimal. */
export interface SettledDelivery
  extends Omit<Selectable<HistoryTable>, 'delivery_id' | 'set_sha256' | 'certificate_sha256' | 'redrive_id'> {
  readonly set_sha256: string
  readonly certificate_sha256: string | null
}

/** The deliveries that are to be sent and were enqueued in that time, the soonest due first. Never selects the SET. */
export function listPending(
  db: Kysely<OutboxDatabase>,
  { state, ...filter }: DeliveryFilter & { readonly state?: 'queued' | 'dispatched' | undefined },
): Promise<PendingDelivery[]> {
  return db
    .selectFrom('risc.pending')
    .select(['jti', 'stream_id', 'event_type', 'txn', 'state', 'attempts', 'due_at', 'created_at'])
    .select(sql<number>`round(extract(epoch from age), 3)::float8`.as('age_seconds'))
    .select(['expires_at', 'last_attempt_at', 'last_status', 'last_reason', 'last_description', 'worker', 'claimed_at'])
    .where(fits(filter, { time: 'created_at', reasons: ['last_reason'] }))
    .$if(state !== undefined, (query) => query.where('state', '=', state ?? 'queued'))
    .orderBy('due_at')
    .orderBy('jti')
    .limit(filter.limit)
    .execute()
}

/** The dead letters that were given up in that time, the latest first. Never selects the SET. */
export function listDead(db: Kysely<OutboxDatabase>, filter: DeliveryFilter): Promise<DeadDelivery[]> {
  return db
    .selectFrom('risc.dead')
    .selectAll()
    .where(fits(filter, { time: 'dead_at', reasons: ['dead_because', 'reason'] }))
    .orderBy('dead_at', 'desc')
    .orderBy('jti')
    .limit(filter.limit)
    .execute()
}

/** The deliveries that were settled in that time, the latest first. */
export function listSettled(
  db: Kysely<OutboxDatabase>,
  { outcome, ...filter }: DeliveryFilter & { readonly outcome: 'accepted' | 'discarded' },
): Promise<SettledDelivery[]> {
  return db
    .selectFrom('risc.history')
    .select(['jti', 'stream_id', 'event_type', 'txn', 'kid', 'outcome', 'status', 'connected_to', 'reason'])
    .select(['attempts', 'created_at', 'settled_at', sql<string>`encode(set_sha256, 'hex')`.as('set_sha256')])
    .select(sql<string | null>`encode(certificate_sha256, 'hex')`.as('certificate_sha256'))
    .where('outcome', '=', outcome)
    .where(fits(filter, { time: 'settled_at', reasons: ['reason'] }))
    .orderBy('settled_at', 'desc')
    .orderBy('jti')
    .limit(filter.limit)
    .execute()
}

function fits(
  { streamId, eventType, reason, since, until }: DeliveryFilter,
  columns: { readonly time: string; readonly reasons: readonly string[] },
): RawBuilder<boolean> {
  const time = sql.ref(columns.time)
  return sql.join(
    [
      sql`true`,
      ...(streamId === undefined ? [] : [sql`stream_id = ${streamId}`]),
      ...(eventType === undefined ? [] : [sql`event_type = ${eventType}`]),
      ...(reason === undefined ? [] : [sql`${reason} in (${sql.join(columns.reasons.map((name) => sql.ref(name)))})`]),
      ...(since === undefined ? [] : [sql`${time} >= ${at(since)}`]),
      ...(until === undefined ? [] : [sql`${time} <= ${at(until)}`]),
    ],
    sql` and `,
  )
}
