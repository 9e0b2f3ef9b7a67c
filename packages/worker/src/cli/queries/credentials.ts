import { type Kysely, sql } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import { bindClientKey, bindCredential, type CredentialBinding } from '../../credential-binding.ts'

/** A stored credential: sealed, or a reference. Not to be shown. */
export interface StoredCredential {
  readonly binding: CredentialBinding
  readonly stored: string
  /** Of a client key, what it is shown with. */
  readonly certificate: string | null
}

type StoredRow = Awaited<ReturnType<typeof readRows>>[number]

const ROWS_AT_ONCE = 200

/** What is stored of all streams, or of those that are enabled, by id; so many streams at a time that few are held. */
export async function* readStoredCredentials(
  db: Kysely<OutboxDatabase>,
  { enabledOnly }: { readonly enabledOnly: boolean },
): AsyncGenerator<StoredCredential, void> {
  let last: string | undefined = ''
  while (last !== undefined) {
    const rows: StoredRow[] = await readRows(db, { enabledOnly, after: last })
    for (const row of rows) yield* credentialsOf(row)
    last = rows.at(ROWS_AT_ONCE - 1)?.id
  }
}

function readRows(
  db: Kysely<OutboxDatabase>,
  { enabledOnly, after }: { readonly enabledOnly: boolean; readonly after: string },
) {
  return db
    .selectFrom('risc.streams')
    .select(['id', 'endpoint_url', 'token_request', 'credential', 'client_certificate', 'client_private_key'])
    .where('id', '>', after)
    .where((row) => row.or([row('credential', 'is not', null), row('client_private_key', 'is not', null)]))
    .$if(enabledOnly, (query) => query.where('status', '=', 'enabled'))
    .orderBy('id')
    .limit(ROWS_AT_ONCE)
    .execute()
}

function* credentialsOf(row: StoredRow): Generator<StoredCredential, void> {
  const { id, endpoint_url: endpointUrl, credential, client_certificate: certificate, client_private_key: key } = row
  if (credential !== null) {
    const binding = bindCredential(id, { endpointUrl, tokenEndpoint: tokenEndpointOf(row.token_request) })
    yield { binding, stored: credential, certificate: null }
  }
  if (key !== null) yield { binding: bindClientKey(id), stored: key, certificate }
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
