import { type Kysely, sql } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import { errorCode } from '../../error-code.ts'

/** What one batch discarded. */
export interface DiscardedBatch {
  readonly queued: number
  readonly dead: number
}

/** What came of an attempt to remove a stream's row. */
export type Removal = 'removed' | 'got something to deliver' | 'was enabled or removed'

const BATCH = 500
const FOREIGN_KEY_VIOLATION = '23503'

/** Waits until nothing is under way any more that knew the stream's status before its last change. */
export async function awaitStatus(db: Kysely<OutboxDatabase>): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`set local statement_timeout = 0`.execute(trx) // it waits longer than a role's may be, and ends by itself
    await sql`select risc.await_stream_status()`.execute(trx)
  })
}

/** Discards some of what a stream has that is held back. */
export async function discardBatch(
  db: Kysely<OutboxDatabase>,
  streamId: string,
  reason: string,
): Promise<DiscardedBatch> {
  const { rows } = await sql<DiscardedBatch>`
    select queued::float8, dead::float8 from risc.discard_stream(${streamId}, ${reason}, ${BATCH})`.execute(db)
  const [batch] = rows
  if (batch === undefined) throw new TypeError('risc.discard_stream always answers')
  return batch
}

/** Forgets some of the users that a stream's receiver knows; returns how many. */
export async function forgetSubjects(db: Kysely<OutboxDatabase>, streamId: string): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from risc.subjects k where k.stream_id = ${streamId} and k.user_id = any (array(
      select n.user_id from risc.subjects n where n.stream_id = ${streamId} limit ${BATCH}))`.execute(db)
  return Number(numAffectedRows)
}

/** Removes a disabled stream to which nothing is owed. History keeps what was sent and discarded. */
export async function deleteStream(db: Kysely<OutboxDatabase>, streamId: string): Promise<Removal> {
  try {
    const { numDeletedRows } = await db
      .deleteFrom('risc.streams')
      .where('id', '=', streamId)
      .where('status', '=', 'disabled')
      .executeTakeFirst()
    return numDeletedRows > 0n ? 'removed' : 'was enabled or removed'
  } catch (error) {
    if (errorCode(error) === FOREIGN_KEY_VIOLATION) return 'got something to deliver'
    throw error
  }
}
