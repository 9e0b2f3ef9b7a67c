import { CompiledQuery } from 'kysely'
import type { OutboxEvent, Recipient } from 'risc-outbox'
import type { IdpTransaction } from './database.ts'
import { ISSUER } from './issuer.ts'

// As login.gov chooses them: every active service provider that the user signed in to and has not revoked, under the
// UUID of its agency, or under one of its own where it belongs to none.
const RECIPIENTS = `
  select sp.stream_id, coalesce(a.uuid, i.uuid) as uuid
  from idp.identities i
  join idp.service_providers sp on sp.issuer = i.service_provider
  left join idp.agency_identities a on a.user_id = i.user_id and a.agency_id = sp.agency_id
  where i.user_id = $1 and i.revoked_at is null and sp.active and sp.stream_id is not null`

interface RecipientRow {
  readonly stream_id: string
  readonly uuid: string
}

/** The IdP's answer to who is told of an event and as whom, asked inside the transaction that makes the change. */
export async function lookUpRecipients(trx: IdpTransaction, { user }: OutboxEvent): Promise<Recipient[]> {
  const { rows } =
    'isTransaction' in trx
      ? await trx.executeQuery<RecipientRow>(CompiledQuery.raw(RECIPIENTS, [user]))
      : await trx.query<RecipientRow>(RECIPIENTS, [user])
  return rows.map(({ stream_id, uuid }) => ({
    streamId: stream_id,
    subject: { format: 'iss_sub', iss: ISSUER, sub: uuid },
  }))
}
