import { InvalidOptionsError, type PublicJwk, type SigningKeys, signSet } from 'risc-set'
import { ActiveKeyError, UnknownKeyError } from './errors.ts'
import { readOwnClaims } from './own-claims.ts'
import { ask, assertInTransaction, type OutboxTransaction } from './transaction.ts'

/** Which SETs get a new signature. */
export interface ResignOptions {
  /** The key that signed them. Its public half must be in the outbox's keys. */
  readonly kid: string
  /** How many at most. Default: 1000. */
  readonly limit?: number
}

/** What one call of `resign` did. */
export interface Resigned {
  readonly resigned: number
  /** How many SETs are still signed by the key: in flight, held by somebody, or beyond the limit. */
  readonly remaining: number
}

/** Whose SETs these are, and the key that signs from now on. */
export interface ResignSettings {
  readonly issuer: string
  readonly keys: SigningKeys
}

interface WaitingRow {
  readonly delivery_id: string
  readonly jti: string
  readonly signed_set: string
  readonly transaction_name: string
}

const SIGNED_BY =
  'select delivery_id::text, jti, signed_set, transaction_name from risc.deliveries_signed_by($1, $2::integer)'
const REPLACE = 'select row_to_json(r)::text as replaced from risc.replace_signatures($1, $2, $3::text::jsonb) r'

const LARGEST_LIMIT = 100_000

/** Signs anew, by the active key, what waits or is dead and was signed by another; in two round trips. */
export async function resignDeliveries(
  trx: OutboxTransaction,
  { kid, limit = 1000 }: ResignOptions,
  { issuer, keys }: ResignSettings,
): Promise<Resigned> {
  const publicKey = publicKeyOf(kid, keys)
  assertLimit(limit)
  assertInTransaction(trx)
  const rows = (await ask(trx, SIGNED_BY, [kid, String(limit)])) as readonly WaitingRow[]
  const signed = await Promise.all(
    rows.map(async ({ delivery_id, jti, signed_set }) => {
      const renewed = await signSet(await readOwnClaims(jti, signed_set, { issuer, publicKey }), keys)
      return { delivery_id, kid: renewed.kid, signed_set: renewed.jwt }
    }),
  )
  const [row] = await ask(trx, REPLACE, [rows[0]?.transaction_name ?? '', kid, JSON.stringify(signed)])
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
