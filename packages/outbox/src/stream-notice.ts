import { type ProfileName, type ResolvedEvent, resolveEvent, type SigningKeys } from 'risc-set'
import type { StreamStatus } from './database.ts'
import type { SignedDelivery } from './deliveries.ts'
import { signDelivery } from './sign-delivery.ts'
import { assertStreamId } from './stream-id.ts'
import { ask, assertInTransaction, type OutboxTransaction } from './transaction.ts'
import { newTxn } from './txn.ts'

/** Whose notices these are. */
export interface NoticeSettings {
  readonly issuer: string
  readonly keys: SigningKeys
  readonly clock: () => Date
}

/** A stream as a SET about itself needs to know it. */
export interface NoticedStream {
  readonly profile: ProfileName
  readonly audience: readonly string[]
  readonly encryption_key: object | null
  readonly status: StreamStatus
  /** Proves to what is written next that it runs in the same transaction. */
  readonly transaction_name: string
}

const STREAM = 'select row_to_json(s)::text as stream from risc.stream_for_notice($1) s'

/** Makes the event whose subject is the stream itself (SSF 1.0 §8.1.4.1, §8.1.5). */
export function resolveNotice(streamId: string, event: Readonly<Record<string, unknown>>): ResolvedEvent {
  assertStreamId(streamId)
  return resolveEvent({ ...event, subject: { format: 'opaque', id: streamId } })
}

/** Locks a stream until the transaction ends. */
export async function lockStream(trx: OutboxTransaction, streamId: string): Promise<NoticedStream> {
  assertInTransaction(trx)
  const [row] = await ask(trx, STREAM, [streamId])
  return JSON.parse((row as { readonly stream: string }).stream) as NoticedStream
}

/** Signs a SET about a stream. It is urgent, and sent though the stream did not ask for its event (SSF 1.0 §8.1.4, §8.1.5). */
export function signNotice(
  streamId: string,
  { profile, audience, encryption_key: encryptionKey }: NoticedStream,
  event: ResolvedEvent,
  { issuer, keys, clock }: NoticeSettings,
): Promise<SignedDelivery> {
  const address = { event, user: undefined, streamId, profile, audience, encryptionKey, subject: undefined }
  return signDelivery(address, { issuer, keys, txn: newTxn(), issuedAt: clock() })
}
