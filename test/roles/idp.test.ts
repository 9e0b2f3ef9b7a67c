import type { PoolClient } from 'pg'
import { Pool } from 'pg'
import { expect } from 'vitest'
import { createIdp } from '../outbox/idp.ts'
import { test } from './granted.ts'

test('an IdP whose role is granted enqueue links, enqueues and unlinks, and may do no more', async ({
  database,
  roles,
}) => {
  const idp = await createIdp(database)
  await idp.addStream('a')
  const subject = { format: 'opaque', id: 'x' } as const
  await as(roles.enqueue.url, async (trx) => {
    await idp.outbox.link(trx, { user: 'u-1', streamId: 'a', subject })
    await idp.outbox.enqueue(trx, { type: 'account-disabled', user: 'u-1' })
    expect(await idp.outbox.unlink(trx, { user: 'u-1', streamId: 'a' })).toBe(true)
  })
  expect(await idp.deliveries()).toHaveLength(1)
  const denied: readonly ((trx: PoolClient) => Promise<unknown>)[] = [
    (trx) => idp.outbox.setStreamStatus(trx, { streamId: 'a', status: 'disabled' }),
    (trx) => idp.outbox.keyUsage(trx),
    (trx) => idp.outbox.verifyStream(trx, { streamId: 'a' }),
    (trx) => trx.query('select * from risc.deliveries'),
  ]
  for (const attempt of denied) {
    await expect(as(roles.enqueue.url, attempt)).rejects.toMatchObject({ code: '42501' })
  }
})

/** Runs `work` in a transaction of a connection of the role's own. */
async function as<T>(url: string, work: (trx: PoolClient) => Promise<T>): Promise<T> {
  const pool = new Pool({ connectionString: url, max: 1 })
  try {
    const trx = await pool.connect()
    try {
      await trx.query('begin')
      const result = await work(trx)
      await trx.query('commit')
      return result
    } finally {
      trx.release(true)
    }
  } finally {
    await pool.end()
  }
}
