import { type Kysely, sql } from 'kysely'
import type { OutboxDatabase, StreamProfile, StreamStatus } from 'risc-outbox'

/** Changes a stream's status in somebody's name, and tells nobody; returns `false` when it is that already. */
export async function changeStatus(
  db: Kysely<OutboxDatabase>,
  { streamId, status, reason, by }: { streamId: string; status: StreamStatus; reason?: string; by: string },
): Promise<boolean> {
  const { rows } = await sql<{ changed: boolean }>`
    select risc.set_stream_status(risc.transaction_name(), ${streamId}, ${status}, ${reason ?? null}, ${by}, '[]')
      as changed`.execute(db)
  return rows[0]?.changed === true
}

/** Has a stream tried at once that waits for its breaker; returns whether it waited. */
export async function probe(db: Kysely<OutboxDatabase>, streamId: string): Promise<boolean> {
  const { rows } = await sql<{ waited: boolean }>`select risc.probe(${streamId}) as waited`.execute(db)
  return rows[0]?.waited === true
}

/** How a stream's SETs are written. */
export async function readProfile(db: Kysely<OutboxDatabase>, streamId: string): Promise<StreamProfile | undefined> {
  const row = await db.selectFrom('risc.streams').select('profile').where('id', '=', streamId).executeTakeFirst()
  return row?.profile
}
