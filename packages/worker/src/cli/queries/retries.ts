import { type Kysely, sql } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'

/** Has these deliveries sent again and returns those it could; what is in flight or unknown is left alone. */
export async function retryDeliveries(db: Kysely<OutboxDatabase>, jtis: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ jti: string }>`select jti from risc.retry(${[...jtis]}::text[]) r (jti)`.execute(db)
  return rows.map(({ jti }) => jti)
}

/** Those of `jtis` that are not settled yet. */
export async function findUnsettled(db: Kysely<OutboxDatabase>, jtis: readonly string[]): Promise<string[]> {
  const rows = await db
    .selectFrom('risc.deliveries')
    .select('jti')
    .where(sql<boolean>`jti = any (${[...jtis]}::text[])`)
    .execute()
  return rows.map(({ jti }) => jti)
}

/** The next dead letters after `afterJti`, of one stream or of all, in the order of their `jti`. */
export async function findDead(
  db: Kysely<OutboxDatabase>,
  { streamId, afterJti, limit }: { streamId: string | undefined; afterJti: string; limit: number },
): Promise<string[]> {
  const rows = await db
    .selectFrom('risc.dead')
    .select('jti')
    .$if(streamId !== undefined, (query) => query.where('stream_id', '=', streamId ?? ''))
    .where('jti', '>', afterJti)
    .orderBy('jti')
    .limit(limit)
    .execute()
  return rows.map(({ jti }) => jti)
}
