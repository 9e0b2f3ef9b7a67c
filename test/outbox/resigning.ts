import type { PoolClient } from 'pg'
import { createOutbox, type Outbox, type Resigned } from 'risc-outbox'
import type { SigningKeys } from 'risc-set'
import { type Idp, issuer } from './idp.ts'
import { rotate } from './rotation.ts'

export const keys = await rotate()
export const before = createOutbox({ issuer, keys: keys.before })
export const during = createOutbox({ issuer, keys: keys.during })

/** Adds stream `a`, which takes events of one user in any order, and a user that it knows. */
export async function prepare(idp: Idp): Promise<void> {
  await idp.addStream('a')
  await idp.pool.query(`update risc.streams set ordering = 'none'`)
  await idp.addUser('u-1', 'a')
}

/** Enqueues account-disabled for the user. */
export async function owe(idp: Idp, count: number, outbox: Outbox = before): Promise<void> {
  await idp.transaction((trx) =>
    outbox.enqueue(
      trx,
      Array.from({ length: count }, () => ({ type: 'account-disabled', user: 'u-1' }) as const),
    ),
  )
}

/** Has what the old key signed signed anew. */
export function resign(idp: Idp, limit?: number, outbox = during): Promise<Resigned> {
  return idp.transaction((trx) => outbox.resign(trx, { kid: 'old', ...(limit !== undefined && { limit }) }))
}

/** An outbox that has something happen, and commit, before its first new signature; with no patience for locks. */
export function whileSigning(idp: Idp, happen: (worker: PoolClient) => Promise<unknown>): Outbox {
  const { active } = keys.during
  let happened: Promise<unknown> | undefined
  const signing: SigningKeys = {
    ...keys.during,
    active: {
      ...active,
      async sign(input) {
        happened ??= idp.transaction(async (worker) => {
          await worker.query("set local lock_timeout = '500ms'")
          await happen(worker)
        })
        await happened
        return active.sign(input)
      },
    },
  }
  return createOutbox({ issuer, keys: signing })
}

/** The key of every delivery, in the order of their recording. */
export async function kids(idp: Idp): Promise<string[]> {
  return (await idp.deliveries()).map(({ kid }) => kid)
}
