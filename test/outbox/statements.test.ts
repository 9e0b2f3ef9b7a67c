import type { PoolClient } from 'pg'
import type { QueryableTransaction } from 'risc-outbox'
import { expect } from 'vitest'
import { issuer, test } from './idp.ts'

const MANY = Array.from({ length: 30 }, (_, n) => `stream-${n}`)

test('two statements at most, however many streams and events there are', async ({ idp }) => {
  for (const streamId of MANY) await idp.addStream(streamId)
  await idp.addUser('u-1', ...MANY)
  await idp.addUser('u-2', 'stream-1')

  const texts = await idp.transaction(async (client) => {
    const { trx, texts } = recording(client)
    const { deliveries } = await idp.outbox.enqueue(trx, [
      { type: 'account-disabled', user: 'u-1' },
      { type: 'account-disabled', user: 'u-2' },
      { type: 'account-enabled', user: 'u-1' },
    ])
    expect(deliveries).toHaveLength(61)
    return texts
  })

  expect(texts).toHaveLength(2)
  expect(await idp.deliveries()).toHaveLength(61)
})

test('one statement when nobody is to be told, and none for no events', async ({ idp }) => {
  await idp.addStream('a')
  await idp.addUser('u-1')
  await idp.transaction(async (client) => {
    const { trx, texts } = recording(client)
    expect((await idp.outbox.enqueue(trx, { type: 'account-disabled', user: 'u-1' })).deliveries).toEqual([])
    expect(texts).toHaveLength(1)
    expect((await idp.outbox.enqueue(trx, [])).deliveries).toEqual([])
    expect(texts).toHaveLength(1)
  })
})

test('switched off, it records nothing and asks nothing, but goes on to link', async ({ idp }) => {
  const outbox = idp.createOutbox({ enabled: false, recipients: () => Promise.reject(new Error('was asked')) })
  await idp.addStream('a')
  await idp.addUser('u-1')
  await idp.transaction(async (client) => {
    const { trx, texts } = recording(client)
    await outbox.link(trx, { user: 'u-1', streamId: 'a', subject: { format: 'iss_sub', iss: issuer, sub: 's-1' } })
    expect(texts).toHaveLength(1)
    expect(await outbox.enqueue(trx, { type: 'account-disabled', user: 'u-1' })).toMatchObject({ deliveries: [] })
    expect(texts).toHaveLength(1)
    expect((await idp.outbox.enqueue(trx, { type: 'account-disabled', user: 'u-1' })).deliveries).toHaveLength(1)
  })
})

test('an event that is not valid is refused before anything is asked, all problems of all events at once', async ({
  idp,
}) => {
  await idp.transaction(async (client) => {
    const { trx, texts } = recording(client)
    const refused = idp.outbox.enqueue(trx, [
      { type: 'account-disabled', user: 'u-1' },
      { type: 'account-disabled', user: '', reason: 'none of yours' as 'hijacking' },
      { type: 'credential-change', user: 'u-1', credential_type: 'pin', change_type: 'eaten' as 'create' },
    ])
    await expect(refused).rejects.toMatchObject({
      code: 'ERR_RISC_INVALID_EVENT',
      problems: [{ path: '[1].user' }, { path: '[1].reason' }, { path: '[2].change_type' }],
    })
    expect(texts).toEqual([])
  })
})

/** Passes everything on to a client, and notes what. */
function recording(client: PoolClient): { trx: QueryableTransaction; texts: string[] } {
  const texts: string[] = []
  return {
    texts,
    trx: {
      query(text, values) {
        texts.push(text)
        return client.query(text, values)
      },
    },
  }
}
