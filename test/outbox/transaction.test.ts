import { expect } from 'vitest'
import { disable, test } from './idp.ts'

test('a transaction that commits leaves exactly one delivery for each recipient', async ({ idp }) => {
  for (const streamId of ['a', 'b', 'c', 'stranger']) await idp.addStream(streamId)
  await idp.addUser('u-1', 'a', 'b', 'c')

  const enqueued = await idp.transaction(async (trx) => {
    await disable(trx, 'u-1')
    return idp.outbox.enqueue(trx, { type: 'account-disabled', user: 'u-1', reason: 'hijacking' })
  })

  const rows = await idp.deliveries()
  expect(rows.map((row) => row.stream_id)).toEqual(['a', 'b', 'c'])
  expect(rows.map((row) => ({ jti: row.jti, streamId: row.stream_id }))).toEqual(enqueued.deliveries)
  expect(rows.map((row) => [row.state, row.txn])).toEqual(rows.map(() => ['queued', enqueued.txn]))
  expect(new Set(rows.map((row) => row.jti)).size).toBe(3)
})

test('a transaction that rolls back leaves nothing', async ({ idp }) => {
  await idp.addStream('a')
  await idp.addUser('u-1', 'a')

  const change = idp.transaction(async (trx) => {
    const { deliveries } = await idp.outbox.enqueue(trx, { type: 'account-purged', user: 'u-1' })
    expect(deliveries).toHaveLength(1)
    throw new Error('the change was not to be')
  })

  await expect(change).rejects.toThrow('the change was not to be')
  expect(await idp.deliveries()).toEqual([])
})

test('a savepoint that rolls back leaves only what was enqueued outside it', async ({ idp }) => {
  await idp.addStream('a')
  await idp.addUser('u-1', 'a')

  const kept = await idp.transaction(async (trx) => {
    const before = await idp.outbox.enqueue(trx, { type: 'account-disabled', user: 'u-1' })
    await trx.query('savepoint attempt')
    await idp.outbox.enqueue(trx, { type: 'account-purged', user: 'u-1' })
    await trx.query('rollback to savepoint attempt')
    const after = await idp.outbox.enqueue(trx, { type: 'account-enabled', user: 'u-1' })
    return [...before.deliveries, ...after.deliveries].map(({ jti }) => jti)
  })

  expect((await idp.deliveries()).map((row) => row.jti)).toEqual(kept)
})

test('a serialization failure leaves nothing, and the retry leaves one delivery', async ({ idp }) => {
  await idp.addStream('a')
  await idp.addUser('u-1', 'a')
  await idp.addUser('u-2', 'a')
  const disableTheLast = (user: string, meanwhile: () => Promise<unknown>) =>
    idp.transaction(async (trx) => {
      await trx.query('select count(*) from users where not disabled')
      await disable(trx, user)
      const enqueued = await idp.outbox.enqueue(trx, { type: 'account-disabled', user })
      await meanwhile()
      return enqueued
    }, 'begin isolation level serializable')

  let winner: unknown
  const loser = disableTheLast('u-1', async () => {
    winner = await disableTheLast('u-2', async () => undefined)
  })

  await expect(loser).rejects.toMatchObject({ code: '40001' })
  expect(await idp.deliveries()).toMatchObject([{ txn: (winner as { txn: string }).txn }])

  const retried = await disableTheLast('u-1', async () => undefined)
  expect((await idp.deliveries()).map((row) => row.txn)).toEqual([(winner as { txn: string }).txn, retried.txn])
})

test('the fan-out is atomic: one bad stream, and no stream gets anything', async ({ idp }) => {
  await idp.addStream('a')
  await idp.addStream('b', { profile: 'login.gov' }) // cannot say `opaque`
  await idp.addStream('c')
  await idp.addUser('u-1', 'a', 'b', 'c')

  await idp.transaction(async (trx) => {
    await disable(trx, 'u-1')
    const refused = idp.outbox.enqueue(trx, { type: 'account-disabled', user: 'u-1' })
    await expect(refused).rejects.toMatchObject({
      code: 'ERR_RISC_INVALID_EVENT',
      problems: [{ path: 'stream b: subject.format' }],
    })
  })

  expect(await idp.deliveries()).toEqual([])
})

test('the events of one call share one txn, each delivery having a jti of its own', async ({ idp }) => {
  await idp.addStream('a')
  await idp.addStream('b')
  await idp.addUser('u-1', 'a', 'b')

  const [one, other] = await idp.transaction(async (trx) => [
    await idp.outbox.enqueue(trx, [
      { type: 'identifier-changed', user: 'u-1', subject: { format: 'email', email: 'old@example.com' } },
      { type: 'recovery-information-changed', user: 'u-1' },
    ]),
    await idp.outbox.enqueue(trx, { type: 'account-purged', user: 'u-1' }),
  ])

  const rows = await idp.deliveries()
  expect(rows.map((row) => row.txn)).toEqual([one?.txn, one?.txn, one?.txn, one?.txn, other?.txn, other?.txn])
  expect(one?.txn).not.toBe(other?.txn)
  expect(new Set(rows.map((row) => row.jti)).size).toBe(6)
  expect(rows.map((row) => row.event_type.split('/').at(-1))).toEqual([
    'identifier-changed',
    'identifier-changed',
    'recovery-information-changed',
    'recovery-information-changed',
    'account-purged',
    'account-purged',
  ])
})
