import type { EventTypes, SigningKeys } from 'risc-set'
import { recordDeliveries } from './deliveries.ts'
import { type CheckedEvent, checkEvents, type OutboxEvent } from './event.ts'
import { askRecipients, type RecipientLookup, type Request } from './recipients.ts'
import { signDelivery } from './sign-delivery.ts'
import { assertInTransaction, type OutboxTransaction } from './transaction.ts'
import { newTxn } from './txn.ts'

/** What one call of `enqueue` recorded. */
export interface Enqueued {
  /** The cause, shared by every SET of the call (SSF 1.0 §4.1.9). */
  readonly txn: string
  /** One for each event and recipient, in the order of the events. */
  readonly deliveries: readonly { readonly jti: string; readonly streamId: string }[]
}

/** How one outbox was set up. */
export interface EnqueueSettings<Trx extends OutboxTransaction, Own extends EventTypes> {
  readonly issuer: string
  readonly keys: SigningKeys
  readonly recipients: RecipientLookup<Trx, Own> | undefined
  readonly eventTypes: Own | undefined
  readonly clock: () => Date
}

/** Looks up who is to be told, signs a SET for each and records them all, in two round trips at most. */
export async function enqueueEvents<Trx extends OutboxTransaction, Own extends EventTypes>(
  trx: Trx,
  events: OutboxEvent<Own> | readonly OutboxEvent<Own>[],
  { issuer, keys, recipients, eventTypes, clock }: EnqueueSettings<Trx, Own>,
): Promise<Enqueued> {
  const checked = checkEvents(Array.isArray(events) ? events : [events], eventTypes)
  assertInTransaction(trx)
  const txn = newTxn()
  const requests = recipients
    ? await lookUp(trx, checked, recipients)
    : checked.map(({ given, resolved }) => ({ event: resolved, user: given.user }))
  const found = await askRecipients(trx, requests)
  if (found === undefined) return { txn, deliveries: [] }

  const issuedAt = clock()
  const deliveries = await Promise.all(
    found.addresses.map((address) => signDelivery(address, { issuer, keys, txn, issuedAt })),
  )
  await recordDeliveries(trx, found.transactionName, deliveries)
  return { txn, deliveries: deliveries.map(({ jti, streamId }) => ({ jti, streamId })) }
}

/** One look-up after the other: they share a connection. */
async function lookUp<Trx extends OutboxTransaction, Own extends EventTypes>(
  trx: Trx,
  events: readonly CheckedEvent<Own>[],
  recipients: RecipientLookup<Trx, Own>,
): Promise<Request[]> {
  const requests: Request[] = []
  for (const { given, resolved } of events) {
    for (const recipient of await recipients(trx, given))
      requests.push({ event: resolved, user: given.user, recipient })
  }
  return requests
}
