import { type Kysely, type Selectable, sql } from 'kysely'
import type { AttemptTable, OutboxDatabase } from 'risc-outbox'

/** A row of `risc.attempts`: an attempt that was not accepted. */
export type Attempt = Omit<Selectable<AttemptTable>, 'delivery_id' | 'stream_id'>

/** The last attempts of a delivery that were not accepted, the oldest of these first. */
export async function listLastAttempts(db: Kysely<OutboxDatabase>, jti: string, limit: number): Promise<Attempt[]> {
  const latest = await selectAttempts(db, [jti]).orderBy('ended_at', 'desc').limit(limit).execute()
  return latest.reverse()
}

/** All attempts of these deliveries that were not accepted, in their order. */
export function listAttempts(db: Kysely<OutboxDatabase>, jtis: readonly string[]): Promise<Attempt[]> {
  return selectAttempts(db, jtis).orderBy('ended_at').execute()
}

function selectAttempts(db: Kysely<OutboxDatabase>, jtis: readonly string[]) {
  return db
    .selectFrom('risc.attempts')
    .select(['jti', 'attempt', 'counted', 'probe', 'status', 'reason', 'description'])
    .select(['connected_to', 'duration_ms', 'worker', 'ended_at'])
    .where(sql<boolean>`jti = any (${[...jtis]}::text[])`)
}
