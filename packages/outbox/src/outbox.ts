import type { EventTypes, SigningKeys } from 'risc-set'
import { type Enqueued, enqueueEvents } from './enqueue.ts'
import type { OutboxEvent } from './event.ts'
import { type KeyUsage, type KeyUsageOptions, readKeyUsage } from './key-usage.ts'
import type { RecipientLookup } from './recipients.ts'
import { type Resigned, type ResignOptions, resignDeliveries } from './resign.ts'
import { type StreamStatusChange, type StreamStatusOptions, setStreamStatus } from './stream-status.ts'
import { type Link, link, unlink } from './subjects.ts'
import { traceEnqueue } from './trace-enqueue.ts'
import type { OutboxConnection, OutboxTransaction } from './transaction.ts'
import { newTxn } from './txn.ts'
import { type Verification, type VerifyStreamOptions, verifyStream } from './verify-stream.ts'

/** How an IdP sets up its outbox. */
export interface OutboxOptions<
  Trx extends OutboxTransaction = OutboxTransaction,
  Own extends EventTypes = Record<never, never>,
> {
  /** The `iss` of every SET: byte for byte the `issuer` that receivers were told. */
  readonly issuer: string
  readonly keys: SigningKeys
  /** Who is told of an event, and as whom. By default `risc.subjects` knows; see {@link Outbox.link}. */
  readonly recipients?: RecipientLookup<Trx, Own>
  /** The master switch. While it is off, `enqueue` records nothing and asks nothing; all else goes on. */
  readonly enabled?: boolean
  /** The time of issue of a SET. By default the process's clock. */
  readonly clock?: () => Date
  /** The IdP's own event types, from `defineEventTypes`. */
  readonly eventTypes?: Own
}

/** Where an IdP records what its partners must be told, in the transaction that makes it true. */
export interface Outbox<
  Trx extends OutboxTransaction = OutboxTransaction,
  Own extends EventTypes = Record<never, never>,
> {
  /**
   * Records that events happened, inside the transaction that made them happen.
   *
   * If `trx` rolls back nothing is ever sent; once it commits, each SET is pushed until its receiver accepts or refuses
   * it, or it is given up as a dead letter. A receiver may see the same `jti` twice. All events of one call share one
   * `txn`. However many streams there are, two round trips are made at most, and nothing is taken or sent that another
   * user's transaction would wait for.
   *
   * @example Disable an account and tell every receiver, or do neither
   * ```ts
   * await db.transaction().execute(async (trx) => {
   *   await trx.updateTable('users').set({ disabled: true }).where('id', '=', user).execute()
   *   await outbox.enqueue(trx, { type: 'account-disabled', user, reason: 'hijacking' })
   * })
   * ```
   * @throws {@link InvalidEventError} before anything is asked, when a claim breaks RISC 1.0 §2 or CAEP 1.0 §3; and before
   *   anything is written, when a receiver's subject or profile does not fit the event.
   * @throws {@link InvalidKeysError} before anything is written, when a receiver's SETs cannot be encrypted to its key.
   * @throws {@link NotInTransactionError} before anything is written.
   * @throws {@link MissingSubjectError} when neither the event nor the look-up of recipients says as whom.
   * @throws {@link UnknownStreamError} when the look-up of recipients names a stream that there is not.
   */
  enqueue(trx: Trx, event: OutboxEvent<Own> | readonly OutboxEvent<Own>[]): Promise<Enqueued>

  /**
   * Makes a user known to a stream's receiver under `subject`, in place of what was there: from now on, and from this
   * transaction on, it is told of the user's events.
   *
   * @throws {@link InvalidEventError} when the subject breaks RFC 9493.
   * @throws {@link UnknownStreamError} when there is no such stream.
   */
  link(trx: Trx, link: Link): Promise<void>

  /** Takes a {@link Outbox.link} away, as when consent is revoked; tells whether there was one. What is owed stays owed. */
  unlink(trx: Trx, link: Omit<Link, 'subject'>): Promise<boolean>

  /**
   * Tells for each signing key how many SETs depend on it. A key is published for as long as any does.
   *
   * @throws {@link InvalidOptionsError}
   */
  keyUsage(db: OutboxConnection, options?: KeyUsageOptions): Promise<KeyUsage[]>

  /**
   * Gives SETs that a compromised key signed new signatures by the active key: same `jti`, same claims, byte for byte.
   *
   * Takes what waits and dead letters; passes over what is in flight, and waits for no worker. Nor does a worker wait
   * while it signs; but one that settles a SET whose new signature is written waits for `trx`, so commit at once and do
   * nothing else in it. In an isolation level above READ COMMITTED, what is settled meanwhile is a serialization failure.
   *
   * What was dispatched before `trx` commits may be sent once more as it was: a receiver that does not know the key any
   * more says `invalid_key`, and the retry has the new signature.
   *
   * A SET that is encrypted to its receiver (nobody else can read it), does not verify, or is another delivery's, is left as
   * it is and reported. That is all that tells ours from
   * others': whoever has the old private key and can write to `risc.deliveries` can have what they like signed anew.
   *
   * @example Until only what the key did not sign is left
   * ```ts
   * const resign = () => db.transaction().execute((trx) => outbox.resign(trx, { kid: 'old' }))
   * let result = await resign()
   * while (result.remaining > result.unverified.length) {
   *   if (result.resigned === 0) await setTimeout(1000) // from node:timers/promises: what is left is in flight
   *   result = await resign()
   * }
   * ```
   * @throws {@link ActiveKeyError} and {@link UnknownKeyError} before anything is asked.
   * @throws {@link NotInTransactionError} before anything is written.
   * @throws {@link InvalidOptionsError}
   */
  resign(trx: Trx, options: ResignOptions): Promise<Resigned>

  /**
   * Enables, pauses or disables a stream, and tells its receiver by a `stream-updated` SET (SSF 1.0 §8.1.5).
   *
   * The two commit together. While a stream is paused or disabled nothing else is sent (§8.1.2.1); what was in flight at
   * the moment of the commit may still arrive, also after the SET. What a paused stream has waiting is kept, and sent when
   * it is enabled again, each user's events in their order; what a disabled stream has waiting is discarded. Nothing is
   * recorded when the status is that already. Streams of profile `login.gov` change without a SET, for which that
   * dialect has no event. Two round trips are made at most; until `trx` ends, others who change this stream wait.
   *
   * @example
   * ```ts
   * await db.transaction().execute((trx) => outbox.setStreamStatus(trx, { streamId: 'bank', status: 'paused' }))
   * ```
   * @throws {@link UnknownStreamError}
   * @throws {@link InvalidEventError} before anything is asked, when the status is none or the reason cannot be sent.
   * @throws {@link InvalidOptionsError} before anything is asked, when `by` cannot be kept.
   * @throws {@link NotInTransactionError} before anything is written.
   */
  setStreamStatus(trx: Trx, change: StreamStatusOptions): Promise<StreamStatusChange>

  /**
   * Tests a stream: a `verification` SET (SSF 1.0 §8.1.4) passes all that waits, whatever the window and the rate.
   *
   * @throws {@link StreamNotEnabledError} when the stream is paused or disabled.
   * @throws {@link UnknownStreamError}
   * @throws {@link InvalidEventError} when `state` cannot be sent, or the stream's profile is `login.gov`, which has no
   *   such event.
   * @throws {@link NotInTransactionError} before anything is written.
   */
  verifyStream(trx: Trx, options: VerifyStreamOptions): Promise<Verification>
}

/**
 * Sets up an outbox; asks the database nothing.
 *
 * @example
 * ```ts
 * const keys = await loadSigningKeys(process.env['RISC_SIGNING_KEYS'] ?? '')
 * const outbox = createOutbox({ issuer: 'https://idp.example/', keys })
 * ```
 */
export function createOutbox<
  Trx extends OutboxTransaction = OutboxTransaction,
  const Own extends EventTypes = Record<never, never>,
>(options: OutboxOptions<Trx, Own>): Outbox<Trx, Own> {
  const { issuer, keys, recipients, eventTypes, enabled = true, clock = () => new Date() } = options
  return {
    async enqueue(trx, event) {
      if (!enabled) return { txn: newTxn(), deliveries: [] }
      return traceEnqueue(() => enqueueEvents(trx, event, { issuer, keys, recipients, eventTypes, clock }))
    },
    link,
    unlink,
    keyUsage: readKeyUsage,
    async resign(trx, which) {
      return resignDeliveries(trx, which, { issuer, keys })
    },
    async setStreamStatus(trx, change) {
      return setStreamStatus(trx, change, { issuer, keys, clock })
    },
    async verifyStream(trx, which) {
      return verifyStream(trx, which, { issuer, keys, clock })
    },
  }
}
