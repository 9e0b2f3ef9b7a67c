import { type Kysely, sql } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import type { DeadFilter } from '../dead-filter.ts'
import type { UntouchedDelivery } from '../named-deliveries.ts'
import { deadFilter } from './dead-letters.ts'

/** What one batch came to. */
export interface DiscardBatch {
  readonly discarded: number
  /** Where to go on; `null` at the end. */
  readonly after_id: string | null
}

/** Discards these deliveries and returns those it could. */
export async function discardDeliveries(
  db: Kysely<OutboxDatabase>,
  jtis: readonly string[],
  reason: string,
): Promise<string[]> {
  const { rows } = await sql<{ jti: string }>`
    select jti from risc.discard(${[...jtis]}::text[], ${reason}) d (jti)`.execute(db)
  return rows.map(({ jti }) => jti)
}

/** Those of `jtis` that are not settled yet, and why they were not discarded. */
export async function whyNotDiscarded(
  db: Kysely<OutboxDatabase>,
  jtis: readonly string[],
): Promise<UntouchedDelivery[]> {
  const { rows } = await sql<UntouchedDelivery>`
    select d.jti, case when i.ticket is null then 'busy' else 'in_flight' end as because
    from risc.deliveries d left join risc.inflight i on i.delivery_id = d.id
    where d.jti = any (${[...jtis]}::text[])`.execute(db)
  return rows
}

/** Discards some of the dead letters of the filter's stream, those after `afterId`. */
export async function discardDead(
  db: Kysely<OutboxDatabase>,
  { filter, afterId, reason }: { readonly filter: DeadFilter; readonly afterId: string; readonly reason: string },
): Promise<DiscardBatch> {
  const { rows } = await sql<DiscardBatch>`
    select discarded, after_id from risc.discard_dead(${deadFilter(filter)}, ${afterId}, ${reason})`.execute(db)
  const [batch] = rows
  if (batch === undefined) throw new TypeError('risc.discard_dead always answers')
  return batch
}
