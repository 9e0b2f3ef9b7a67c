import type { Kysely, Transaction } from 'kysely'
import type { ReceivedEvent, SubjectIdentifier, VerifiedSet } from 'risc-set'
import type { AppDatabase } from './database.ts'

/**
 * Notes the `jti` of a SET and reacts to the SET, in one transaction: what fails is neither noted nor done, so it comes
 * again; what came before, or comes twice at the same moment, is done once.
 */
export function store(db: Kysely<AppDatabase>, set: VerifiedSet): Promise<'stored' | 'duplicate'> {
  const { issuer, jti, subject, events } = set
  return db.transaction().execute(async (trx) => {
    const { numInsertedOrUpdatedRows: noted } = await trx
      .insertInto('received_sets')
      .values({ issuer, jti })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst()
    if (noted === 0n) return 'duplicate'
    for (const event of events) await react(trx, issuer, subject, event)
    return 'stored'
  })
}

async function react(
  trx: Transaction<AppDatabase>,
  issuer: string,
  subject: SubjectIdentifier,
  { type }: ReceivedEvent,
): Promise<void> {
  // This application knows its users by the `sub` of the issuer's ID tokens, and by nothing else.
  if (subject.format !== 'iss_sub' || subject.iss !== issuer) return
  if (type === 'account-disabled') {
    await trx.updateTable('accounts').set({ disabled: true }).where('idp_sub', '=', subject.sub).execute()
  }
  if (type === 'account-purged') await trx.deleteFrom('accounts').where('idp_sub', '=', subject.sub).execute()
}
