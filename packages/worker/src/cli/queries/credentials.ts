import { type Kysely, sql } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import { bindClientKey, bindCredential, type CredentialBinding } from '../../credential-binding.ts'

/** A stored credential: sealed, or a reference. Not to be shown. */
export interface StoredCredential {
  readonly binding: CredentialBinding
  readonly stored: string
}

/** What is stored of all streams, or of those that are enabled, by id. */
export async function listStoredCredentials(
  db: Kysely<OutboxDatabase>,
  { enabledOnly }: { readonly enabledOnly: boolean },
): Promise<StoredCredential[]> {
  const rows = await db
    .selectFrom('risc.streams')
    .select(['id', 'endpoint_url', 'token_request', 'credential', 'client_private_key'])
    .$if(enabledOnly, (query) => query.where('status', '=', 'enabled'))
    .orderBy('id')
    .execute()
  return rows.flatMap(({ id, endpoint_url: endpointUrl, token_request, credential, client_private_key }) => {
    const tokenEndpoint = tokenEndpointOf(token_request)
    return [
      ...(credential === null
        ? []
        : [{ binding: bindCredential(id, { endpointUrl, tokenEndpoint }), stored: credential }]),
      ...(client_private_key === null ? [] : [{ binding: bindClientKey(id), stored: client_private_key }]),
    ]
  })
}

/** Replaces what is stored, unless somebody else has meanwhile. Tells whether it did. */
export async function replaceStored(
  db: Kysely<OutboxDatabase>,
  { binding, stored }: StoredCredential,
  renewed: string,
): Promise<boolean> {
  const { streamId, use } = binding
  const { rows } = await sql<{
    reseal: boolean
  }>`select risc.reseal(${streamId}, ${use}, ${stored}, ${renewed})`.execute(db)
  return rows[0]?.reseal === true
}

function tokenEndpointOf(request: unknown): string | undefined {
  const { token_endpoint } = (request ?? {}) as { readonly token_endpoint?: string }
  return token_endpoint
}
