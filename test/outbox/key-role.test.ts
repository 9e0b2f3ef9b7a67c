import type { PoolClient } from 'pg'
import { createOutbox } from 'risc-outbox'
import { expect } from 'vitest'
import { type Idp, issuer, test } from './idp.ts'
import { rotate } from './rotation.ts'

const FUNCTIONS = [
  'select * from risc.key_usage()',
  "select risc.await_transactions('risc.deliveries', 'RowExclusiveLock')",
  "select * from risc.retire_key('old')",
  "select * from risc.deliveries_signed_by('old', 1, 0)",
  "select * from risc.replace_signatures('', 'old', '[]', '{}')",
]

test("an IdP's role that rotates keys needs three functions more, and no table", async ({ idp }) => {
  const keys = await rotate()
  const before = createOutbox({ issuer, keys: keys.before })
  const during = createOutbox({ issuer, keys: keys.during })
  await idp.addStream('a')
  await idp.addUser('u-1', 'a')
  await idp.transaction((trx) => before.enqueue(trx, { type: 'account-disabled', user: 'u-1' }))
  const role = `${idp.name}_idp`
  await idp.pool.query(`
    create role ${role};
    grant usage on schema risc to ${role};
    grant execute on function risc.key_usage, risc.deliveries_signed_by, risc.replace_signatures to ${role}`)
  try {
    await as(idp, role, async (trx) => {
      expect(await during.keyUsage(trx)).toMatchObject([{ kid: 'old', unsettled: 1 }])
      expect(await during.resign(trx, { kid: 'old' })).toEqual({ resigned: 1, remaining: 0, unverified: [] })
    })
    for (const statement of [
      'select * from risc.retired_keys',
      'select * from risc.deliveries',
      'update risc.deliveries set signed_set = null',
      "select * from risc.retire_key('old')",
    ]) {
      await expect(
        as(idp, role, (trx) => trx.query(statement)),
        statement,
      ).rejects.toMatchObject({ code: '42501' })
    }
  } finally {
    await idp.pool.query(`drop owned by ${role}; drop role ${role}`)
  }
})

test('nobody who was not granted it may ask about keys or replace signatures', async ({ idp }) => {
  const role = `${idp.name}_nobody`
  await idp.pool.query(`create role ${role}; grant usage on schema risc to ${role}`)
  try {
    for (const statement of FUNCTIONS) {
      await expect(
        as(idp, role, (trx) => trx.query(statement)),
        statement,
      ).rejects.toMatchObject({ code: '42501' })
    }
  } finally {
    await idp.pool.query(`drop owned by ${role}; drop role ${role}`)
  }
})

function as<T>(idp: Idp, role: string, work: (trx: PoolClient) => Promise<T>): Promise<T> {
  return idp.transaction(async (trx) => {
    await trx.query(`set local role ${role}`)
    return work(trx)
  })
}
