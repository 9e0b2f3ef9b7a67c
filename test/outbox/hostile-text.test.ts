import fc from 'fast-check'
import { expect } from 'vitest'
import { issuer, test } from './idp.ts'

const TYPE = 'https://idp.example/events/said'

const INJECTIONS = [
  "'; drop table risc.deliveries; --",
  "u-1' or '1'='1",
  'u-1"}],"x":[{"user":"u-2',
  '$1',
  '$$; select pg_sleep(9); $$',
  '\\u0000',
  '\\',
  '%',
  '{"user":"u-2"}',
  '__proto__',
]

test('an injection in a user is a user, who is somebody else', async ({ idp }) => {
  await idp.addStream('a')
  await idp.addUser('u-1', 'a')
  await idp.addUser('u-2', 'a')
  for (const user of INJECTIONS) {
    await idp.transaction(async (trx) => {
      const link = { user, streamId: 'a', subject: { format: 'opaque', id: user } } as const
      expect((await idp.outbox.enqueue(trx, { type: 'account-purged', user })).deliveries).toEqual([])
      await idp.outbox.link(trx, link)
      expect((await idp.outbox.enqueue(trx, { type: 'account-purged', user })).deliveries).toHaveLength(1)
      expect(await idp.outbox.unlink(trx, link)).toBe(true)
    })
  }
  const subjects = (await idp.payloads()).map((payload) => payload['sub_id'])
  expect(subjects).toEqual(INJECTIONS.map((id) => ({ format: 'opaque', id })))
  const { rows } = await idp.pool.query('select user_id from risc.subjects order by 1')
  expect(rows).toEqual([{ user_id: 'u-1' }, { user_id: 'u-2' }])
})

test('an injection in a stream id is a stream that there is not', async ({ idp }) => {
  await idp.addStream('a')
  for (const streamId of INJECTIONS) {
    const subject = { format: 'opaque', id: 'x' } as const
    const outbox = idp.createOutbox({ recipients: async () => [{ streamId, subject }] })
    const unknown = { code: 'ERR_RISC_UNKNOWN_STREAM' }
    const enqueuing = idp.transaction((trx) => outbox.enqueue(trx, { type: 'account-purged', user: 'u-1' }))
    await expect(enqueuing).rejects.toMatchObject(unknown)
    await expect(idp.transaction((trx) => outbox.link(trx, { user: 'u', streamId, subject }))).rejects.toMatchObject(
      unknown,
    )
  }
  expect(await idp.deliveries()).toEqual([])
})

test('any text survives in users, subjects and claims', async ({ idp }) => {
  await idp.addStream('a')
  const text = fc.string({ unit: 'binary', minLength: 1 }).map((given) => given.replaceAll('\0', '\u{1F600}'))
  await fc.assert(
    fc.asyncProperty(text, text, text, async (user, id, said) => {
      const [payload] = await idp
        .transaction(async (trx) => {
          await trx.query('delete from risc.deliveries')
          await idp.outbox.link(trx, { user, streamId: 'a', subject: { format: 'opaque', id } })
          await idp.outbox.enqueue(trx, { type: TYPE, user, claims: { said, [said]: [said] } })
          await idp.outbox.unlink(trx, { user, streamId: 'a' })
        })
        .then(() => idp.payloads())
      expect(payload).toMatchObject({ sub_id: { format: 'opaque', id }, events: { [TYPE]: { said, [said]: [said] } } })
    }),
    { numRuns: 40 },
  )
})

test('text that PostgreSQL or UTF-8 cannot hold is refused, and the transaction goes on', async ({ idp }) => {
  await idp.addStream('a')
  await idp.addUser('u-1', 'a')
  const refusal = { code: 'ERR_RISC_INVALID_EVENT' }
  await idp.transaction(async (trx) => {
    for (const bad of ['a\0b', '\0', '\ud800', 'a\udc00b']) {
      const link = { user: 'u-1', streamId: 'a', subject: { format: 'iss_sub', iss: issuer, sub: bad } } as const
      for (const refused of [
        idp.outbox.enqueue(trx, { type: 'account-purged', user: bad }),
        idp.outbox.enqueue(trx, { type: TYPE, user: 'u-1', claims: { said: [{ bad }] } }),
        idp.outbox.enqueue(trx, { type: TYPE, user: 'u-1', claims: { [bad]: 1 } }),
        idp.outbox.enqueue(trx, { type: 'account-purged', user: 'u-1', subject: { format: 'opaque', id: bad } }),
        idp.outbox.link(trx, link),
        idp.outbox.link(trx, { ...link, user: bad, subject: { format: 'opaque', id: 'x' } }),
        idp.outbox.unlink(trx, { user: bad, streamId: 'a' }),
      ]) {
        await expect(refused).rejects.toMatchObject(refusal)
      }
    }
    expect((await idp.outbox.enqueue(trx, { type: 'account-purged', user: 'u-1' })).deliveries).toHaveLength(1)
  })
})

test('a stream id or a user that is no string is refused before anything is asked', async ({ idp }) => {
  await idp.addStream('a')
  const refusal = { code: 'ERR_RISC_INVALID_EVENT' }
  await idp.transaction(async (trx) => {
    for (const user of [undefined, null, 1, ['u-1'], {}, '']) {
      await expect(idp.outbox.enqueue(trx, { type: 'account-purged', user: user as string })).rejects.toMatchObject(
        refusal,
      )
      await expect(idp.outbox.unlink(trx, { user: user as string, streamId: 'a' })).rejects.toMatchObject(refusal)
    }
    for (const event of [undefined, null, 1, 'account-purged', [[]]]) {
      await expect(idp.outbox.enqueue(trx, event as never)).rejects.toMatchObject(refusal)
    }
  })
})
