import type { SetClaims } from 'risc-set'
import { type OwnSet, readOwnClaims } from './own-claims.ts'
import { ask, type OutboxTransaction } from './transaction.ts'

/** What of one key's SETs is neither in flight nor settled. */
export interface WaitingSets {
  readonly own: readonly WaitingSet[]
  /** The ids of deliveries whose SET the key did not sign. */
  readonly unverified: readonly string[]
  /** As the database names the transaction that read them. */
  readonly transactionName: string
}

interface WaitingSet {
  readonly deliveryId: string
  readonly claims: SetClaims
}

interface WaitingRow {
  readonly delivery_id: string
  readonly jti: string
  readonly signed_set: string
  readonly transaction_name: string
}

const SIGNED_BY =
  'select delivery_id::text, jti, signed_set, transaction_name from risc.deliveries_signed_by($1, $2::integer, $3::bigint)'

const BEFORE_ALL = `${-(2n ** 63n)}`

/**
 * Reads the oldest `limit` SETs that wait, or are dead, and that the key signed.
 *
 * Where some do not verify it reads on, or a thousand of them would keep all others from their turn for good.
 */
export async function readWaitingSets(
  trx: OutboxTransaction,
  { kid, limit }: { readonly kid: string; readonly limit: number },
  key: Omit<OwnSet, 'jti'>,
): Promise<WaitingSets> {
  const own: WaitingSet[] = []
  const unverified: string[] = []
  let transactionName = ''
  let after = BEFORE_ALL
  for (;;) {
    const rows = (await ask(trx, SIGNED_BY, [kid, String(limit), after])) as readonly WaitingRow[]
    const read = rows.map(async ({ jti, signed_set, ...row }) => ({
      ...row,
      claims: await readOwnClaims(signed_set, { ...key, jti }),
    }))
    for (const { delivery_id, transaction_name, claims } of await Promise.all(read)) {
      if (claims === undefined) unverified.push(delivery_id)
      else own.push({ deliveryId: delivery_id, claims })
      transactionName = transaction_name
      after = delivery_id
    }
    if (rows.length < limit || own.length >= limit) return { own: own.slice(0, limit), unverified, transactionName }
  }
}
