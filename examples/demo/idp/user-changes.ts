import { sql } from 'kysely'
import type { Enqueued } from 'risc-outbox'
import type { Idp } from './idp.ts'

/** Every account but the last administrator's can be suspended. */
export class LastAdministratorError extends Error {}

/**
 * Suspends an account.
 *
 * @throws {@link LastAdministratorError} when nobody would be left to undo it: account and events stay as they were.
 */
export function suspendUser({ db, outbox }: Idp, user: string): Promise<Enqueued> {
  return db.transaction().execute(async (trx) => {
    await trx.updateTable('idp.users').set({ suspended_at: sql`now()` }).where('id', '=', user).execute()
    const told = await outbox.enqueue(trx, { type: 'account-disabled', user, reason: 'hijacking' })

    const administrators = trx.selectFrom('idp.users').where('is_admin', '=', true).where('suspended_at', 'is', null)
    const left = await administrators.select('id').executeTakeFirst()
    if (left === undefined) throw new LastAdministratorError(`${user} is the last administrator`)
    return told
  })
}

/** Sets a new password, in a part of the IdP that is older than its use of Kysely. */
export async function resetPassword({ pool, outbox }: Idp, user: string, digest: string): Promise<Enqueued> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query('update idp.users set password_digest = $2 where id = $1', [user, digest])
    const told = await outbox.enqueue(client, { type: 'password-reset', user })
    await client.query('commit')
    return told
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}

/** Changes the address of an account. Two events of one cause: their SETs share a `txn`. */
export function changeEmail({ db, outbox }: Idp, user: string, email: string): Promise<Enqueued> {
  return db.transaction().execute(async (trx) => {
    const old = await trx
      .selectFrom('idp.users')
      .select('email')
      .where('id', '=', user)
      .forUpdate()
      .executeTakeFirstOrThrow()
    await trx.updateTable('idp.users').set({ email }).where('id', '=', user).execute()
    return outbox.enqueue(trx, [
      { type: 'identifier-changed', user, subject: { format: 'email', email: old.email }, 'new-value': email },
      { type: 'recovery-information-changed', user },
    ])
  })
}

/** Deletes an account for good. Partners are told under UUIDs that are gone when the transaction commits. */
export function deleteAccount({ db, outbox }: Idp, user: string): Promise<Enqueued> {
  return db.transaction().execute(async (trx) => {
    const told = await outbox.enqueue(trx, { type: 'account-purged', user })
    await trx.deleteFrom('idp.users').where('id', '=', user).execute() // and, by cascade, all identities
    return told
  })
}

/** Takes back the user's consent that a service provider learns anything. What was promised to it before stays owed. */
export async function revokeConsent({ db }: Idp, user: string, serviceProvider: string): Promise<void> {
  await db
    .updateTable('idp.identities')
    .set({ revoked_at: sql`now()` })
    .where('user_id', '=', user)
    .where('service_provider', '=', serviceProvider)
    .execute()
}
