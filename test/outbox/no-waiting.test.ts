import type { PoolClient } from 'pg'
import { expect } from 'vitest'
import { disable, type Idp, test } from './idp.ts'

const STREAMS = ['a', 'b', 'c']

test('no user waits for another: open transactions of both use the same streams', async ({ idp }) => {
  for (const streamId of STREAMS) await idp.addStream(streamId)
  await idp.addUser('u-1', ...STREAMS)
  await idp.addUser('u-2', ...STREAMS)
  await idp.addUser('u-3')

  await idp.transaction(async (one) => {
    await useOutbox(idp, one, 'u-1')
    await idp.transaction(async (other) => {
      await useOutbox(idp, other, 'u-2')
      await useOutbox(idp, one, 'u-1')
      await useOutbox(idp, other, 'u-3')
    })
    await useOutbox(idp, one, 'u-1')
  })

  expect(await idp.deliveries()).toHaveLength(5 * STREAMS.length)
})

async function useOutbox(idp: Idp, trx: PoolClient, user: string): Promise<void> {
  await trx.query("set local lock_timeout = '500ms'")
  await disable(trx, user)
  for (const streamId of STREAMS) {
    await idp.outbox.link(trx, { user, streamId, subject: { format: 'opaque', id: `${user} anew` } })
  }
  await idp.outbox.enqueue(trx, { type: 'account-disabled', user })
  await idp.outbox.unlink(trx, { user, streamId: 'not-linked' })
}
