import { createHash } from 'node:crypto'
import { buildClaims, InvalidEventError, newJti, type SigningKeys, signSet } from 'risc-set'
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

/** Writes one SET in the profile of its stream and signs it. */
export async function signDelivery(address: Address, { issuer, keys, txn, issuedAt }: Cause): Promise<SignedDelivery> {
  const { streamId, event, user, subject, profile, audience } = address
  if ((event.subject ?? subject) === undefined) throw new MissingSubjectError(streamId)
  const jti = newJti()
  const claims = namingStream(streamId, () =>
    buildClaims({ profile, issuer, audience, jti, txn, issuedAt, event, subject }),
  )
  const { kid, jwt } = await signSet(claims, keys)
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
    signedSet: jwt,
  }
}

/** Of the user rather than the subject, which an event may change: what follows belongs behind it. */
export function orderKey(streamId: string, user: string): string {
  return createHash('sha256').update(`${streamId}\n${user}`).digest().readBigInt64BE().toString()
}

/** What one stream's profile cannot say, another's can: the problem is only found if the stream is named. */
function namingStream<T>(streamId: string, build: () => T): T {
  try {
    return build()
  } catch (error) {
    if (!(error instanceof InvalidEventError)) throw error
    throw new InvalidEventError(error.problems.map((one) => ({ ...one, path: `stream ${streamId}: ${one.path}` })))
  }
}
