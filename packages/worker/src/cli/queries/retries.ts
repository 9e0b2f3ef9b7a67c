import { type Kysely, sql } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import type { UntouchedDelivery } from '../named-deliveries.ts'

/** Has these deliveries sent again and returns those it could. */
export async function retryDeliveries(db: Kysely<OutboxDatabase>, jtis: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ jti: string }>`select jti from risc.retry(${[...jtis]}::text[]) r (jti)`.execute(db)
  return rows.map(({ jti }) => jti)
}

/** Those of `jtis` that are not settled yet, and why they are not sent again. */
export async function whyNotRetried(db: Kysely<OutboxDatabase>, jtis: readonly string[]): Promise<UntouchedDelivery[]> {
  const { rows } = await sql<UntouchedDelivery>`
    select d.jti, coalesce(
      case when i.ticket is not null then 'in_flight' when d.state = 'dead' then risc.unsendable_because(s, d.created_at) end,
      'busy') as because
    from risc.deliveries d
    join risc.streams s on s.id = d.stream_id
    left join risc.inflight i on i.delivery_id = d.id
    where d.jti = any (${[...jtis]}::text[])`.execute(db)
  return rows
}
