import { setTimeout } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { Outbox, Resigned } from 'risc-outbox'

/** Signs anew all that the old key signed: what risc-outbox shows its users, to the letter. Returns the last result. */
export async function resignAll(db: Kysely<Record<never, never>>, outbox: Outbox): Promise<Resigned> {
  const resign = () => db.transaction().execute((trx) => outbox.resign(trx, { kid: 'old' }))
  let result = await resign()
  while (result.remaining > result.unverified.length) {
    if (result.resigned === 0) await setTimeout(1000) // from node:timers/promises: what is left is in flight
    result = await resign()
  }
  return result
}
