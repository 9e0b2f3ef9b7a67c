import type { Kysely } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import { CommandFailedError } from './command-error.ts'
import { listRedrives, type RedriveProgress } from './queries/redrives.ts'

/**
 * How far a redrive is.
 *
 * @throws {@link CommandFailedError} when there is none of this number.
 */
export async function requireRedrive(db: Kysely<OutboxDatabase>, id: number): Promise<RedriveProgress> {
  const [redrive] = await listRedrives(db, { id, limit: 1 })
  if (redrive === undefined) throw new CommandFailedError(`there is no redrive ${id}: see \`risc-worker redrive list\``)
  return redrive
}
