import type { EventTypes, ProfileName, ResolvedEvent, SubjectIdentifier } from 'risc-set'
import type { OutboxEvent } from './event.ts'
import { assertStreamId } from './stream-id.ts'
import { ask, type OutboxTransaction } from './transaction.ts'

/** One who is to be told of an event. */
export interface Recipient {
  readonly streamId: string
  /** As whom the receiver knows the user. May be left out only where the event has a subject of its own. */
  readonly subject?: SubjectIdentifier | undefined
}

/**
 * An IdP's own answer to who is told of `event` and as whom, in place of `risc.subjects`. It asks through `trx`, so it
 * sees what the transaction has not yet taken away.
 */
export type RecipientLookup<Trx extends OutboxTransaction, Own extends EventTypes = Record<never, never>> = (
  trx: Trx,
  event: OutboxEvent<Own>,
) => Promise<readonly Recipient[]>

/** Who may have to be told of an event: all who know a user, or one whom the IdP named. */
export interface Request {
  readonly event: ResolvedEvent
  readonly user: string
  readonly recipient?: Recipient
}

/** One SET to be written: its event, and for whom. */
export interface Address {
  readonly event: ResolvedEvent
  /** `undefined` where the SET is about the stream itself. */
  readonly user: string | undefined
  readonly streamId: string
  readonly profile: ProfileName
  readonly audience: readonly string[]
  /** The receiver's public JWK, where it wants its SETs encrypted. */
  readonly encryptionKey: object | null
  /** As the receiver knows the user; the event's own subject goes before it. */
  readonly subject: SubjectIdentifier | undefined
}

/** The answer to all requests of one call. */
export interface Addresses {
  readonly addresses: readonly Address[]
  /** Proves to `risc.enqueue` that it runs in the same transaction. */
  readonly transactionName: string
}

interface RecipientRow {
  readonly request: number
  readonly stream_id: string
  readonly profile: ProfileName
  readonly audience: readonly string[]
  readonly encryption_key: object | null
  readonly subject: SubjectIdentifier | null
  readonly transaction_name: string
}

const RECIPIENTS = 'select row_to_json(r)::text as recipient from risc.recipients($1::text::jsonb) r'

/** Asks, in one round trip, which streams get which events; `undefined` when none gets any. */
export async function askRecipients(
  trx: OutboxTransaction,
  requests: readonly Request[],
): Promise<Addresses | undefined> {
  if (requests.length === 0) return undefined
  const answer = await ask(trx, RECIPIENTS, [JSON.stringify(requests.map(toRecord))])
  const rows = answer.map((row) => JSON.parse((row as { readonly recipient: string }).recipient) as RecipientRow)
  const [first] = rows
  if (first === undefined) return undefined
  return { addresses: rows.map((row) => toAddress(row, requests)), transactionName: first.transaction_name }
}

function toRecord({ event, user, recipient }: Request): Record<string, string> {
  const event_type = event.uri
  if (recipient === undefined) return { user, event_type }
  assertStreamId(recipient.streamId)
  return { stream_id: recipient.streamId, event_type }
}

function toAddress(row: RecipientRow, requests: readonly Request[]): Address {
  const request = requests[row.request]
  if (request === undefined) throw new TypeError('risc.recipients answered a request that was not made')
  const known = request.recipient === undefined ? (row.subject ?? undefined) : request.recipient.subject
  return {
    event: request.event,
    user: request.user,
    streamId: row.stream_id,
    profile: row.profile,
    audience: row.audience,
    encryptionKey: row.encryption_key,
    subject: known,
  }
}
