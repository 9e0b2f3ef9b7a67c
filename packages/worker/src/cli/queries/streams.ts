import { type Insertable, type Kysely, type Selectable, sql, type Updateable } from 'kysely'
import type { OutboxDatabase, StreamSettingsView, StreamTable } from 'risc-outbox'
import type { TokenRequest } from '../../oauth-request.ts'
import type { ConnectionRow } from '../../stream-connection.ts'

/** A stream as its operator sees it: that it has a credential, never which. */
export interface Stream extends Omit<Selectable<StreamSettingsView>, 'max_age' | 'rate_interval' | 'token_request'> {
  readonly rate_interval_seconds: number
  readonly max_age_seconds: number
  /** How access tokens are got; `null` where the credential is the header itself. */
  readonly token_request: TokenRequest | null
}

/** How a stream's receiver and token endpoint are connected to. */
export interface StreamConnectionRow extends ConnectionRow {
  readonly id: string
  readonly token_request: TokenRequest | null
}

/** A stream's settings before and after a change. */
export interface StreamUpdate {
  readonly before: Stream
  readonly after: Stream
}

/** What is to be changed, and on what conditions. */
export interface StreamChange {
  readonly settings: Updateable<StreamTable>
  readonly allow: (before: Stream, isKept: boolean) => void
  /** The credential as the change supposes it to be. */
  readonly kept?: string | null
}

/** The streams, by id. */
export function listStreams(db: Kysely<OutboxDatabase>): Promise<Stream[]> {
  return selectStreams(db).orderBy('id').execute()
}

/** One stream, which has to be there. */
export function readStream(db: Kysely<OutboxDatabase>, id: string): Promise<Stream> {
  return selectStreams(db).where('id', '=', id).executeTakeFirstOrThrow()
}

/** A stream's credential as it is stored: to be bound anew, never to be shown. */
export async function readStoredCredential(db: Kysely<OutboxDatabase>, id: string): Promise<string | null> {
  const row = await db.selectFrom('risc.streams').select('credential').where('id', '=', id).executeTakeFirst()
  return row?.credential ?? null
}

/** How the receivers of streams are connected to, by id of the stream: one of them, or all that are enabled. */
export function listConnections(db: Kysely<OutboxDatabase>, id: string | undefined): Promise<StreamConnectionRow[]> {
  return db
    .selectFrom('risc.streams')
    .select(['id', 'endpoint_url', 'allowed_networks', 'allowed_ports'])
    .select(['ca_certificates', 'client_certificate', 'client_private_key'])
    .select(tokenRequest)
    .$if(id === undefined, (query) => query.where('status', '=', 'enabled'))
    .$if(id !== undefined, (query) => query.where('id', '=', id ?? ''))
    .orderBy('id')
    .execute()
}

/** Adds a stream; returns `false` and changes nothing when there is one of this id already. */
export async function insertStream(db: Kysely<OutboxDatabase>, stream: Insertable<StreamTable>): Promise<boolean> {
  const inserted = await db
    .insertInto('risc.streams')
    .values(stream)
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted !== undefined
}

/**
 * Changes a stream's settings. A rate counts from now on: what the old one had made it wait for is forgotten.
 *
 * @param allow throws if the stream, as it is now, must not be changed so; it is told whether its credential is still `kept`
 */
export async function updateStream(
  db: Kysely<OutboxDatabase>,
  id: string,
  { settings, allow, kept }: StreamChange,
): Promise<StreamUpdate> {
  const update = await db.transaction().execute(async (trx) => {
    const before = await selectStreams(trx).where('id', '=', id).forNoKeyUpdate().executeTakeFirstOrThrow()
    allow(before, kept === undefined || kept === (await readStoredCredential(trx, id)))
    await trx.updateTable('risc.streams').set(settings).where('id', '=', id).execute()
    return { before, after: await readStream(trx, id) }
  })
  const { rate_limit, rate_interval } = settings
  if (rate_limit !== undefined || rate_interval !== undefined) await sql`select risc.shorten_pace(${id})`.execute(db)
  return update
}

/** The ids of all streams. */
export async function listStreamIds(db: Kysely<OutboxDatabase>): Promise<string[]> {
  const rows = await db.selectFrom('risc.streams').select('id').orderBy('id').execute()
  return rows.map(({ id }) => id)
}

const tokenRequest = sql<TokenRequest | null>`token_request`.as('token_request')

function selectStreams(db: Kysely<OutboxDatabase>) {
  return db
    .selectFrom('risc.stream_settings')
    .select(['id', 'profile', 'endpoint_url', 'allowed_networks', 'allowed_ports', 'audience', 'events_requested'])
    .select([
      'status',
      'status_reason',
      'status_changed_at',
      'status_changed_by',
      'ordering',
      'max_in_flight',
      'rate_limit',
    ])
    .select(sql<number>`extract(epoch from rate_interval)::float8`.as('rate_interval_seconds'))
    .select(['timeout_ms', 'retry_delays_ms'])
    .select(sql<number>`extract(epoch from max_age)::float8`.as('max_age_seconds'))
    .select(tokenRequest)
    .select([
      'has_authorization',
      'encryption_kid',
      'ca_certificates_digest',
      'client_certificate_digest',
      'created_at',
    ])
}
