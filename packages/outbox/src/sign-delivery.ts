import { createHash } from 'node:crypto'
import {
  buildClaims,
  encryptSet,
  InvalidEventError,
  InvalidKeysError,
  loadEncryptionKey,
  newJti,
  type Problem,
  type SigningKeys,
  signSet,
} from 'risc-set'
import type { SignedDelivery } from './deliveries.ts'
import { MissingSubjectError } from './errors.ts'
import type { Address } from './recipients.ts'
import { activeTraceparent } from './traceparent.ts'

/** Whose SETs these are, and of which cause. */
export interface Cause {
  readonly issuer: string
  readonly keys: SigningKeys
  readonly txn: string
  readonly issuedAt: Date
}

/** Writes one SET in the profile of its stream, signs it, and encrypts it where the receiver has given a key. */
export async function signDelivery(address: Address, { issuer, keys, txn, issuedAt }: Cause): Promise<SignedDelivery> {
  const { streamId, event, user, subject, profile, audience, encryptionKey } = address
  if ((event.subject ?? subject) === undefined) throw new MissingSubjectError(streamId)
  const jti = newJti()
  const claims = await namingStream(streamId, async () =>
    buildClaims({ profile, issuer, audience, jti, txn, issuedAt, event, subject }),
  )
  const { kid, jwt } = await signSet(claims, keys)
  const signedSet = encryptionKey === null ? jwt : await encryptFor(streamId, jwt, encryptionKey)
  const order = user === undefined ? null : orderKey(streamId, user)
  return {
    streamId,
    jti,
    txn,
    eventType: event.uri,
    kid,
    orderKey: order,
    urgent: user === undefined,
    traceparent: activeTraceparent(),
    signedSet,
  }
}

/** Of the user rather than the subject, which an event may change: what follows belongs behind it. */
export function orderKey(streamId: string, user: string): string {
  return createHash('sha256').update(`${streamId}\n${user}`).digest().readBigInt64BE().toString()
}

/** Encrypted here, so that neither the database nor a worker can read what only the receiver is to read. */
async function encryptFor(streamId: string, jwt: string, jwk: object): Promise<string> {
  return encryptSet(jwt, await namingStream(streamId, () => loadEncryptionKey(jwk)))
}

/** What one stream's profile or key does not allow, another's does: the problem is only found if the stream is named. */
async function namingStream<T>(streamId: string, work: () => Promise<T>): Promise<T> {
  const named = ({ problems }: { readonly problems: readonly Problem[] }) =>
    problems.map((one) => ({ ...one, path: `stream ${streamId}: ${one.path}` }))
  try {
    return await work()
  } catch (error) {
    if (error instanceof InvalidEventError) throw new InvalidEventError(named(error))
    if (error instanceof InvalidKeysError) throw new InvalidKeysError(named(error))
    throw error
  }
}
