import { inspect } from 'node:util'
import type { PoolClient } from 'pg'
import { createOutbox, type Recipient } from 'risc-outbox'
import { defineEventTypes, eventType } from 'risc-set'
import { expect } from 'vitest'
import { issuer, keys, test } from './idp.ts'

test('a user is told of to those who know the user, as they know the user', async ({ idp }) => {
  for (const streamId of ['a', 'b', 'c']) await idp.addStream(streamId)
  await idp.addUser('u-1', 'a', 'b')
  await idp.addUser('u-2', 'c')

  await idp.transaction((trx) => idp.outbox.enqueue(trx, { type: 'account-disabled', user: 'u-1' }))

  expect(await idp.payloads()).toMatchObject([
    { aud: 'a', sub_id: { format: 'opaque', id: 'u-1 at a' } },
    { aud: 'b', sub_id: { format: 'opaque', id: 'u-1 at b' } },
  ])
})

test('a link counts from within its own transaction, until it is taken away', async ({ idp }) => {
  await idp.addStream('a')
  await idp.addUser('u-1')
  const link = { user: 'u-1', streamId: 'a' }

  await idp.transaction(async (trx) => {
    await idp.outbox.link(trx, { ...link, subject: { format: 'opaque', id: 'first' } })
    await idp.outbox.enqueue(trx, { type: 'account-disabled', user: 'u-1' })
    await idp.outbox.link(trx, { ...link, subject: { format: 'opaque', id: 'second' } })
    await idp.outbox.enqueue(trx, { type: 'account-enabled', user: 'u-1' })
    expect(await idp.outbox.unlink(trx, link)).toBe(true)
    expect(await idp.outbox.unlink(trx, link)).toBe(false)
    await idp.outbox.enqueue(trx, { type: 'account-purged', user: 'u-1' })
  })

  expect(await idp.payloads()).toMatchObject([{ sub_id: { id: 'first' } }, { sub_id: { id: 'second' } }])
})

test('the subject is resolved before the account is purged in the same transaction', async ({ idp }) => {
  await idp.addStream('a')
  await idp.addUser('u-1', 'a')

  await idp.transaction(async (trx) => {
    await idp.outbox.enqueue(trx, { type: 'account-purged', user: 'u-1' })
    await idp.outbox.unlink(trx, { user: 'u-1', streamId: 'a' })
    await trx.query("delete from users where id = 'u-1'")
  })

  expect(await idp.payloads()).toMatchObject([{ sub_id: { format: 'opaque', id: 'u-1 at a' } }])
})

test("an event's own subject goes before the one that the receiver knows", async ({ idp }) => {
  await idp.addStream('a')
  await idp.addUser('u-1', 'a')
  const subject = { format: 'email', email: 'old@example.com' } as const

  await idp.transaction((trx) => idp.outbox.enqueue(trx, { type: 'identifier-changed', user: 'u-1', subject }))

  expect(await idp.payloads()).toMatchObject([{ sub_id: subject }])
})

test('a stream gets the events it asked for, none while disabled, and all while paused', async ({ idp }) => {
  const base = 'https://schemas.openid.net/secevent/risc/event-type'
  await idp.addStream('purges', { events: [`${base}/account-purged`] })
  await idp.addStream('nothing', { events: [] })
  await idp.addStream('disabled', { status: 'disabled' })
  await idp.addStream('paused', { status: 'paused' })
  await idp.addUser('u-1', 'purges', 'nothing', 'disabled', 'paused')

  await idp.transaction((trx) =>
    idp.outbox.enqueue(trx, [
      { type: 'account-disabled', user: 'u-1' },
      { type: 'account-purged', user: 'u-1' },
    ]),
  )

  expect((await idp.deliveries()).map((row) => row.stream_id)).toEqual(['paused', 'paused', 'purges'])
})

test("an IdP's own look-up sees the transaction, and what it is about to lose", async ({ idp }) => {
  for (const streamId of ['a', 'b', 'c']) await idp.addStream(streamId)
  await idp.addUser('u-1', 'c') // not asked
  await idp.pool.query('create table agency_identities (user_id text, stream_id text, uuid text)')
  const outbox = createOutbox({
    issuer,
    keys,
    recipients: async (trx: PoolClient, { user }) => {
      const { rows } = await trx.query<{ streamId: string; uuid: string }>(
        'select stream_id as "streamId", uuid from agency_identities where user_id = $1 order by 1',
        [user],
      )
      return rows.map(({ streamId, uuid }) => ({ streamId, subject: { format: 'iss_sub', iss: issuer, sub: uuid } }))
    },
  })

  await idp.transaction(async (trx) => {
    await trx.query("insert into agency_identities values ('u-1', 'a', 'uuid-a'), ('u-1', 'b', 'uuid-b')")
    await outbox.enqueue(trx, { type: 'account-purged', user: 'u-1' })
    await trx.query("delete from agency_identities where user_id = 'u-1'")
  })

  expect(await idp.payloads()).toMatchObject([
    { aud: 'a', sub_id: { format: 'iss_sub', iss: issuer, sub: 'uuid-a' } },
    { aud: 'b', sub_id: { format: 'iss_sub', iss: issuer, sub: 'uuid-b' } },
  ])
})

test('look-ups are made one after the other, and their errors are passed on', async ({ idp }) => {
  let underWay = 0
  const recipients = async (): Promise<Recipient[]> => {
    expect(++underWay).toBe(1)
    await new Promise((resolve) => setImmediate(resolve))
    underWay--
    return []
  }
  const event = { type: 'account-purged', user: 'u-1' } as const
  await idp.transaction((trx) => idp.createOutbox({ recipients }).enqueue(trx, [event, event, event]))

  const failing = idp.createOutbox({ recipients: () => Promise.reject(new RangeError('no such user')) })
  await expect(idp.transaction((trx) => failing.enqueue(trx, event))).rejects.toThrow(RangeError)
})

test('a recipient without a subject is refused, unless the event has one', async ({ idp }) => {
  await idp.addStream('a')
  await idp.addStream('b')
  const outbox = idp.createOutbox({
    recipients: async () => [{ streamId: 'a', subject: { format: 'opaque', id: 'x' } }, { streamId: 'b' }],
  })

  const refused = idp.transaction((trx) => outbox.enqueue(trx, { type: 'account-purged', user: 'u-1' }))
  await expect(refused).rejects.toMatchObject({ code: 'ERR_RISC_MISSING_SUBJECT', streamId: 'b' })
  expect(await idp.deliveries()).toEqual([])

  const subject = { format: 'email', email: 'user@example.com' } as const
  await idp.transaction((trx) => outbox.enqueue(trx, { type: 'account-purged', user: 'u-1', subject }))
  expect(await idp.payloads()).toMatchObject([{ sub_id: subject }, { sub_id: subject }])
})

test('a stream that there is not is refused by name', async ({ idp }) => {
  await idp.addStream('a')
  const subject = { format: 'opaque', id: 'x' } as const
  const outbox = idp.createOutbox({
    recipients: async () => [
      { streamId: 'a', subject },
      { streamId: 'z', subject },
    ],
  })

  const enqueuing = idp.transaction((trx) => outbox.enqueue(trx, { type: 'account-purged', user: 'u-1' }))
  await expect(enqueuing).rejects.toMatchObject({ code: 'ERR_RISC_UNKNOWN_STREAM', message: 'there is no stream z' })
  const linking = idp.transaction((trx) => outbox.link(trx, { user: 'u-1', streamId: 'z', subject }))
  await expect(linking).rejects.toMatchObject({
    code: 'ERR_RISC_UNKNOWN_STREAM',
    message: expect.stringContaining('z'),
  })
  expect(await idp.deliveries()).toEqual([])
})

test('a look-up that misspells its answer is refused, and does not pass for one that tells nobody', async ({ idp }) => {
  for (const recipient of [{ stream_id: 'a' }, { streamId: null }, { streamId: 1 }, { streamId: 'a\0' }, {}]) {
    const outbox = idp.createOutbox({ recipients: async () => [recipient as unknown as Recipient] })
    const enqueuing = idp.transaction((trx) => outbox.enqueue(trx, { type: 'account-purged', user: 'u-1' }))
    await expect(enqueuing).rejects.toMatchObject({ code: 'ERR_RISC_UNKNOWN_STREAM' })
  }
})

test('no error holds a subject, a SET or a key', async ({ idp }) => {
  await idp.addStream('a', { profile: 'login.gov' })
  await idp.addStream('b')
  const secret = 'jane.doe@secret.example'
  const outbox = idp.createOutbox({
    recipients: async (_, { user }) => [{ streamId: user, subject: { format: 'opaque', id: secret } }],
  })
  const subject = { format: 'email', email: secret } as const
  const attempts: ((trx: PoolClient) => Promise<unknown>)[] = [
    (trx) => outbox.enqueue(trx, { type: 'account-purged', user: 'a' }),
    (trx) => outbox.enqueue(trx, { type: 'account-purged', user: 'nowhere' }),
    (trx) =>
      outbox.enqueue(trx, { type: 'identifier-changed', user: 'b', subject: { format: 'email', email: `${secret}@` } }),
    (trx) => outbox.enqueue(trx, { type: 'account-disabled', user: 'b', reason: secret as 'hijacking' }),
    (trx) => outbox.link(trx, { user: 'u-1', streamId: 'nowhere', subject }),
    (trx) => outbox.link(trx, { user: 'u-1', streamId: 'b', subject: { format: 'opaque', id: `${secret}\0` } }),
    () =>
      outbox.enqueue({ query: (text, values) => idp.pool.query(text, values) }, { type: 'account-purged', user: 'b' }),
    (trx) =>
      outbox.enqueue(trx, { type: 'https://idp.example/e', user: 'b', claims: { at: BigInt(1) as never, secret } }),
  ]
  for (const attempt of attempts) {
    const error: unknown = await idp.transaction(attempt).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_RISC_/) })
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/secret\.example|eyJ/)
  }
})

test("the IdP's own event types are sent like the standard's", async ({ idp }) => {
  const eventTypes = defineEventTypes({
    'tier-changed': eventType<{ tier: 'gold' | 'silver' }>('https://idp.example/events/tier-changed'),
  })
  const outbox = createOutbox({ issuer, keys, eventTypes })
  await idp.addStream('a')
  await idp.addUser('u-1', 'a')

  await idp.transaction((trx) => outbox.enqueue(trx, { type: 'tier-changed', user: 'u-1', tier: 'gold' }))

  expect(await idp.payloads()).toMatchObject([
    { events: { 'https://idp.example/events/tier-changed': { tier: 'gold' } } },
  ])
})
