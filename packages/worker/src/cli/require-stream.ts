import type { Kysely } from 'kysely'
import { closestMatch } from 'leven'
import type { OutboxDatabase } from 'risc-outbox'
import { CommandFailedError } from './command-error.ts'
import { listStreamIds } from './queries/streams.ts'

/**
 * Makes sure that a stream exists, lest a slip of the pen pass for an empty stream.
 *
 * @throws {@link CommandFailedError}
 */
export async function requireStream(db: Kysely<OutboxDatabase>, streamId: string): Promise<void> {
  const ids = await listStreamIds(db)
  if (ids.includes(streamId)) return
  const meant = closestMatch(streamId, ids, { maxDistance: 3 })
  throw new CommandFailedError(
    `there is no stream ${streamId}${meant === undefined ? '' : ` (did you mean ${meant}?)`}`,
  )
}
