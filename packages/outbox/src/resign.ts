import { InvalidOptionsError, type PublicJwk, type SigningKeys, signSet } from 'risc-set'
import { ActiveKeyError, UnknownKeyError } from './errors.ts'
import { ask, assertInTransaction, type OutboxTransaction } from './transaction.ts'
import { readWaitingSets } from './waiting-sets.ts'

/** Which SETs get a new signature. */
export interface ResignOptions {
  /** The key that signed them. Its public half must be in the outbox's keys. */
  readonly kid: string
  /** How many at most: 1 to 5000, for all are locked until the transaction commits. Default: 1000. */
  readonly limit?: number
}

/** What one call of `resign` did. */
export interface Resigned {
  readonly resigned: number
  /** How many SETs still name the key: in flight, held by somebody, beyond the limit, or not verified. */
  readonly remaining: number
  /**
   * The `jti`s of those among `remaining` that this call could not find to be what the key signed: others', and those that
   * are encrypted, which only their receiver can read. Once it is all of `remaining`, nothing is left to sign.
   */
  readonly unverified: readonly string[]
}

/** Whose SETs these are, and the key that signs from now on. */
export interface ResignSettings {
  readonly issuer: string
  readonly keys: SigningKeys
}

const REPLACE =
  'select row_to_json(r)::text as replaced from risc.replace_signatures($1, $2, $3::text::jsonb, $4::text::bigint[]) r'

const LARGEST_LIMIT = 5000

/** Signs anew, by the active key, what waits or is dead and was signed by another. Locks nothing until all is signed. */
export async function resignDeliveries(
  trx: OutboxTransaction,
  { kid, limit = 1000 }: ResignOptions,
  { issuer, keys }: ResignSettings,
): Promise<Resigned> {
  const publicKey = publicKeyOf(kid, keys)
  assertLimit(limit)
  assertInTransaction(trx)
  const { own, unverified, transactionName } = await readWaitingSets(trx, { kid, limit }, { issuer, publicKey })
  const signed = await Promise.all(
    own.map(async ({ deliveryId, claims }) => {
      const renewed = await signSet(claims, keys)
      return { delivery_id: deliveryId, kid: renewed.kid, signed_set: renewed.jwt }
    }),
  )
  const [row] = await ask(trx, REPLACE, [transactionName, kid, JSON.stringify(signed), `{${unverified}}`])
  return JSON.parse((row as { readonly replaced: string }).replaced) as Resigned
}

function publicKeyOf(kid: string, keys: SigningKeys): PublicJwk {
  if (kid === keys.active.kid) throw new ActiveKeyError(kid)
  const publicKey = keys.published.find((jwk) => jwk.kid === kid)
  if (publicKey === undefined) throw new UnknownKeyError(kid)
  return publicKey
}

function assertLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= LARGEST_LIMIT) return
  const message = `must be a whole number from 1 to ${LARGEST_LIMIT}`
  throw new InvalidOptionsError([{ path: 'limit', message, section: 'risc-outbox' }])
}
