import fc from 'fast-check'
import { decodeProtectedHeader } from 'jose'
import { Kysely, PostgresDialect } from 'kysely'
import { createOutbox } from 'risc-outbox'
import { publicJwks, verifySet } from 'risc-set'
import { expect } from 'vitest'
import { addWorker, dispatch, settle, tickets } from '../worker/rows.ts'
import { issuer, test } from './idp.ts'
import { before, during, keys, kids, owe, prepare, resign, whileSigning } from './resigning.ts'

const payload = (jwt: string) => jwt.split('.')[1]

test('what waits and what is dead gets a signature by the active key and says the same, byte for byte', async ({
  idp,
}) => {
  await prepare(idp)
  await idp.addStream('agency', { profile: 'login.gov' })
  await idp.transaction((trx) =>
    before.link(trx, { user: 'u-1', streamId: 'agency', subject: { format: 'email', email: 'u@example.com' } }),
  )
  await owe(idp, 2)
  await owe(idp, 1, during)
  const { rowCount } = await idp.pool.query(
    `update risc.deliveries set state = 'dead', dead_because = 'refused', dead_at = now() where id = 1`,
  )
  expect(rowCount).toBe(1)
  const old = await idp.deliveries()

  expect(await resign(idp)).toEqual({ resigned: 4, remaining: 0, unverified: [] })

  const renewed = await idp.deliveries()
  expect(renewed.map(({ signed_set }) => payload(signed_set))).toEqual(old.map(({ signed_set }) => payload(signed_set)))
  expect(renewed.map(({ jti, state }) => ({ jti, state }))).toEqual(old.map(({ jti, state }) => ({ jti, state })))
  expect(renewed.slice(4)).toEqual(old.slice(4))
  for (const { signed_set, stream_id, jti, kid } of renewed) {
    const profile = stream_id === 'agency' ? 'login.gov' : 'ssf'
    const set = await verifySet(signed_set, { issuer, audience: stream_id, profile, jwks: publicJwks(keys.after) })
    expect(set.jti).toBe(jti)
    expect([kid, decodeProtectedHeader(signed_set).kid]).toEqual(['new', 'new'])
  }
})

test('any claims keep their bytes', async ({ idp }) => {
  await prepare(idp)
  const type = 'https://idp.example/events/said'
  const names = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', '2', '10', '1e3', 'toString'))
  const claims = fc.dictionary(names, fc.jsonValue({ stringUnit: 'binary' })).filter((given) => {
    const text = JSON.stringify(given)
    return !/\\u0000|\\ud[89a-f]/.test(text)
  })
  await fc.assert(
    fc.asyncProperty(claims, async (said) => {
      await idp.pool.query('delete from risc.deliveries')
      await idp.transaction((trx) => before.enqueue(trx, { type, user: 'u-1', claims: said as never }))
      const [old] = await idp.deliveries()
      expect(await resign(idp)).toEqual({ resigned: 1, remaining: 0, unverified: [] })
      const [renewed] = await idp.deliveries()
      expect(payload(renewed?.signed_set ?? '')).toBe(payload(old?.signed_set ?? ''))
      await verifySet(renewed?.signed_set ?? '', { issuer, audience: 'a', jwks: publicJwks(keys.after) })
    }),
    { numRuns: 40 },
  )
})

test('a SET that has expired is ours all the same', async ({ idp }) => {
  await idp.addStream('agency', { profile: 'login.gov' })
  await idp.addUser('u-1')
  const subject = { format: 'email', email: 'u@example.com' } as const
  const long = createOutbox({ issuer, keys: keys.before, clock: () => new Date('2020-01-01T00:00:00Z') })
  await idp.transaction(async (trx) => {
    await long.link(trx, { user: 'u-1', streamId: 'agency', subject })
    await long.enqueue(trx, { type: 'account-purged', user: 'u-1' })
  })
  expect(await resign(idp)).toEqual({ resigned: 1, remaining: 0, unverified: [] })
})

test('a call signs as many as its limit, the oldest first, and the next goes on', async ({ idp }) => {
  await prepare(idp)
  await owe(idp, 5)
  expect(await resign(idp, 2)).toEqual({ resigned: 2, remaining: 3, unverified: [] })
  expect(await kids(idp)).toEqual(['new', 'new', 'old', 'old', 'old'])
  expect(await resign(idp, 2)).toEqual({ resigned: 2, remaining: 1, unverified: [] })
  expect(await resign(idp, 2)).toEqual({ resigned: 1, remaining: 0, unverified: [] })
  expect(await resign(idp, 2)).toEqual({ resigned: 0, remaining: 0, unverified: [] })
})

test('what is in flight or held is passed over at once, and counted', async ({ idp }) => {
  await prepare(idp)
  await idp.pool.query('update risc.streams set max_in_flight = 1')
  await owe(idp, 3)
  await addWorker(idp.pool)
  await dispatch(idp.pool)
  await idp.transaction(async (holder) => {
    await holder.query('select from risc.deliveries where id = 2 for update')
    const result = await idp.transaction(async (trx) => {
      await trx.query("set local lock_timeout = '500ms'")
      return during.resign(trx, { kid: 'old' })
    })
    expect(result).toEqual({ resigned: 1, remaining: 2, unverified: [] })
  })
  expect(await kids(idp)).toEqual(['old', 'old', 'new'])
})

test('what is dispatched while it is being signed keeps its signature, and is counted', async ({ idp }) => {
  await prepare(idp)
  await idp.pool.query('update risc.streams set max_in_flight = 1')
  await owe(idp, 2)
  await addWorker(idp.pool)
  const outbox = whileSigning(idp, dispatch)
  expect(await resign(idp, 2, outbox)).toEqual({ resigned: 1, remaining: 1, unverified: [] })
  const [first] = await idp.deliveries()
  expect(first).toMatchObject({ kid: 'old' })
  expect(decodeProtectedHeader(first?.signed_set ?? '').kid).toBe('old')
  expect(await tickets(idp.pool)).toHaveLength(1)
})

test('no worker waits for a row while its SET is being signed', async ({ idp }) => {
  await prepare(idp)
  await idp.pool.query("update risc.flow set ramp = 10000 where stream_id = 'a'")
  await owe(idp, 3)
  await addWorker(idp.pool)
  const outbox = whileSigning(idp, async (worker) => {
    expect(await dispatch(worker)).toBe(3)
    const [first, second, third] = await tickets(worker)
    await settle(worker, [
      { ticket: first, next: 'accepted', counts: true, status: 202 },
      { ticket: second, next: 'retry', counts: true, delay_ms: 0, reason: 'timeout' },
      { ticket: third, next: 'dead', counts: true, dead_because: 'refused', reason: 'invalid_request' },
    ])
  })
  expect(await resign(idp, 3, outbox)).toEqual({ resigned: 2, remaining: 0, unverified: [] })
  expect(await idp.deliveries()).toMatchObject([
    { id: '2', kid: 'new', state: 'queued', attempts: 1 },
    { id: '3', kid: 'new', state: 'dead', attempts: 1 },
  ])
})

test('above READ COMMITTED, what changes while it is being signed is a serialization failure', async ({ idp }) => {
  await prepare(idp)
  await owe(idp, 2)
  const outbox = whileSigning(idp, (worker) => worker.query('delete from risc.deliveries where id = 1'))
  const blind = idp.transaction((trx) => outbox.resign(trx, { kid: 'old' }), 'begin isolation level repeatable read')
  await expect(blind).rejects.toMatchObject({ code: '40001' })
  expect(await kids(idp)).toEqual(['old'])
})

test('if the transaction rolls back, nothing has a new signature', async ({ idp }) => {
  await prepare(idp)
  await owe(idp, 1)
  const old = await idp.deliveries()
  const work = idp.transaction(async (trx) => {
    expect(await during.resign(trx, { kid: 'old' })).toEqual({ resigned: 1, remaining: 0, unverified: [] })
    throw new Error('not to be')
  })
  await expect(work).rejects.toThrow('not to be')
  expect(await idp.deliveries()).toEqual(old)
})

test('outside a transaction it is refused before anything is written', async ({ idp }) => {
  await prepare(idp)
  await owe(idp, 1)
  const old = await idp.deliveries()
  const eachByItself = { query: (text: string, values: unknown[]) => idp.pool.query(text, values) }
  const refusal = { code: 'ERR_RISC_NOT_IN_TRANSACTION' }
  await expect(during.resign(eachByItself, { kid: 'old' })).rejects.toMatchObject(refusal)
  const db = new Kysely<Record<never, never>>({ dialect: new PostgresDialect({ pool: idp.pool }) })
  // @ts-expect-error a Kysely outside a transaction
  await expect(during.resign(db, { kid: 'old' })).rejects.toMatchObject(refusal)
  expect(await idp.deliveries()).toEqual(old)
  expect(await db.transaction().execute((trx) => during.resign(trx, { kid: 'old' }))).toEqual({
    resigned: 1,
    remaining: 0,
    unverified: [],
  })
})

test('the active key, a key that the outbox has not got and a limit that is none are refused unasked', async ({
  idp,
}) => {
  const unasked = { query: () => Promise.reject(new Error('was asked')) }
  await expect(during.resign(unasked, { kid: 'new' })).rejects.toMatchObject({
    code: 'ERR_RISC_ACTIVE_KEY',
    kid: 'new',
  })
  await expect(during.resign(unasked, { kid: 'odl' })).rejects.toMatchObject({
    code: 'ERR_RISC_UNKNOWN_KEY',
    kid: 'odl',
  })
  for (const limit of [0, -1, 1.5, Number.NaN, 5001]) {
    await expect(during.resign(unasked, { kid: 'old', limit })).rejects.toMatchObject({
      code: 'ERR_RISC_INVALID_OPTIONS',
      problems: [{ path: 'limit' }],
    })
  }
  expect(await idp.deliveries()).toEqual([])
})

test('the database keeps what a SET says, whoever asks for a new signature', async ({ idp }) => {
  await prepare(idp)
  await owe(idp, 1)
  const old = await idp.deliveries()
  const tampering = idp.transaction(async (trx) => {
    const { rows } = await trx.query("select * from risc.deliveries_signed_by('old', 1, 0)")
    const signed = [{ delivery_id: rows[0].delivery_id, kid: 'new', signed_set: 'head.other.sig' }]
    await trx.query("select risc.replace_signatures($1, 'old', $2, '{}')", [
      rows[0].transaction_name,
      JSON.stringify(signed),
    ])
  })
  await expect(tampering).rejects.toMatchObject({ code: '23000' })
  expect(await idp.deliveries()).toEqual(old)
})
