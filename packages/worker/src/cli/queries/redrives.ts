import { type Kysely, type Selectable, sql } from 'kysely'
import type { OutboxDatabase, RedriveProgressView } from 'risc-outbox'
import type { DeadFilter } from '../dead-filter.ts'
import { type DeadCount, deadFilter } from './dead-letters.ts'

/** What a redrive would do with a stream. */
export interface RedrivePlan extends DeadCount {
  /** Too old, as their own `exp` says. */
  readonly exp_passed: number
  readonly stream_disabled: number
  /** About the stream itself: these are retried one by one, or not at all. */
  readonly about_stream: number
  readonly to_send: number
  readonly per_second: number
}

type Counts = 'total' | 'released' | 'skipped' | 'remaining' | 'waiting' | 'accepted' | 'dead_again' | 'discarded'

/** A row of `risc.redrive_progress` with its figures as numbers. */
export interface RedriveProgress
  extends Omit<Selectable<RedriveProgressView>, Counts | 'id' | 'remaining_for'>,
    Readonly<Record<Counts | 'id', number>> {
  readonly remaining_seconds: number
}

/** What a redrive of these dead letters would do; `perSecond` is for each stream. */
export async function planRedrive(
  db: Kysely<OutboxDatabase>,
  { filter, perSecond }: { readonly filter: DeadFilter; readonly perSecond?: number | undefined },
): Promise<RedrivePlan[]> {
  const { rows } = await sql<RedrivePlan>`
    select stream_id, total::float8, exp_passed::float8, stream_disabled::float8, about_stream::float8,
      to_send::float8, per_second
    from risc.plan_redrive(${deadFilter(filter)}, ${perSecond ?? null}) order by stream_id`.execute(db)
  return rows
}

/** What all redrives together may release a second; `undefined` while no worker is alive. */
export async function readRedrivesPerSecond(db: Kysely<OutboxDatabase>): Promise<number | undefined> {
  const { rows } = await sql<{ per_second: number | null }>`select risc.redrives_per_second() as per_second`.execute(db)
  return rows[0]?.per_second ?? undefined
}

/** Begins a redrive; `undefined` when there is nothing to send. */
export async function startRedrive(
  db: Kysely<OutboxDatabase>,
  redrive: { readonly filter: DeadFilter; readonly perSecond?: number | undefined; readonly by: string },
): Promise<number | undefined> {
  const { rows } = await sql<{ id: number | null }>`
    select risc.start_redrive(${deadFilter(redrive.filter)}, ${redrive.perSecond ?? null}, ${redrive.by})::float8 as id
  `.execute(db)
  return rows[0]?.id ?? undefined
}

/** How far redrives are, the latest first. */
export function listRedrives(
  db: Kysely<OutboxDatabase>,
  { id, limit = 1 }: { readonly id?: number; readonly limit?: number },
): Promise<RedriveProgress[]> {
  return db
    .selectFrom('risc.redrive_progress')
    .select(['state', 'stream_id', 'event_type', 'reason', 'since', 'until', 'per_second'])
    .select([sql<number>`id::float8`.as('id'), sql<number>`total::float8`.as('total')])
    .select([sql<number>`released::float8`.as('released'), sql<number>`skipped::float8`.as('skipped')])
    .select([sql<number>`remaining::float8`.as('remaining'), sql<number>`waiting::float8`.as('waiting')])
    .select([sql<number>`accepted::float8`.as('accepted'), sql<number>`dead_again::float8`.as('dead_again')])
    .select(sql<number>`discarded::float8`.as('discarded'))
    .select(sql<number>`round(extract(epoch from remaining_for))::float8`.as('remaining_seconds'))
    .select(['created_at', 'created_by', 'cancelled_at', 'cancelled_by'])
    .$if(id !== undefined, (query) => query.where('id', '=', String(id)))
    .orderBy(sql.ref('redrive_progress.id'), 'desc')
    .limit(limit)
    .execute()
}

/** Stops a redrive; tells whether it was under way. */
export async function cancelRedrive(db: Kysely<OutboxDatabase>, id: number, by: string): Promise<boolean> {
  const { rows } = await sql<{ done: boolean }>`select risc.cancel_redrive(${id}, ${by}) as done`.execute(db)
  return rows[0]?.done === true
}

/** Lets a cancelled redrive go on; tells whether it had been cancelled. */
export async function resumeRedrive(db: Kysely<OutboxDatabase>, id: number): Promise<boolean> {
  const { rows } = await sql<{ done: boolean }>`select risc.resume_redrive(${id}) as done`.execute(db)
  return rows[0]?.done === true
}
