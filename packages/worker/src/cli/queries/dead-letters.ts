import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import type { DeadFilter } from '../dead-filter.ts'
import { at } from './moment.ts'

/** How many dead letters of a stream fit. */
export interface DeadCount {
  readonly stream_id: string
  readonly total: number
}

/** The dead letters that fit, stream by stream. */
export async function countDead(db: Kysely<OutboxDatabase>, filter: DeadFilter): Promise<DeadCount[]> {
  const { rows } = await sql<DeadCount>`
    select stream_id, total::float8 from risc.count_dead(${deadFilter(filter)}) order by stream_id`.execute(db)
  return rows
}

/** A filter with its end fixed: what dies from now on does not fit. */
export async function fixEnd(db: Kysely<OutboxDatabase>, filter: DeadFilter): Promise<DeadFilter> {
  const { rows } = await sql<{ since: string | null; until: string }>`
    select (chosen.filter).since::text, least((chosen.filter).until, now())::text as until
    from (select ${deadFilter(filter)} as filter) chosen`.execute(db)
  const [{ since = null, until = '' } = {}] = rows
  return { ...filter, ...(since !== null && { since: { at: since } }), until: { at: until } }
}

/** A filter as the functions of the database take it. */
export function deadFilter({ streamId, eventType, reason, since, until }: DeadFilter): RawBuilder<unknown> {
  const died = { since: since && at(since), until: until && at(until) }
  return sql`row (${streamId ?? null}::text, ${eventType ?? null}::text, ${reason ?? null}::text,
    (${died.since ?? null})::timestamptz, (${died.until ?? null})::timestamptz)::risc.dead_filter`
}
