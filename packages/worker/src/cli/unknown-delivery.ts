import type { Kysely } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import { CommandFailedError } from './command-error.ts'
import { readHistorySince } from './queries/why.ts'
import { formatTime } from './table.ts'

/** The failure of a command that was asked about what is not on record, saying how far the record reaches. */
export async function unknownDelivery(db: Kysely<OutboxDatabase>, name: string): Promise<CommandFailedError> {
  const since = await readHistorySince(db)
  const reach = since === null ? 'is empty' : `reaches back to ${formatTime(since)}`
  return new CommandFailedError(`there is no ${name}: none waits, none is dead, and history ${reach}`)
}
