import { Kysely, PostgresDialect } from 'kysely'
import { expect } from 'vitest'
import { until } from '../support/until.ts'
import { addWorker, dispatch, settle, tickets } from '../worker/rows.ts'
import { type Idp, test } from './idp.ts'
import { resignAll } from './resign-loop.ts'
import { during, kids, owe, prepare } from './resigning.ts'

const loop = ({ pool }: Idp) =>
  resignAll(new Kysely<Record<never, never>>({ dialect: new PostgresDialect({ pool }) }), during)

test('the loop of the README ends with more that does not verify than one call takes', async ({ idp }) => {
  await prepare(idp)
  await idp.pool.query(
    `insert into risc.deliveries (stream_id, jti, txn, event_type, kid, signed_set)
     select 'a', 'forged-' || n, 't', 'e', 'old', 'head.e30.sig' from generate_series(1, 1001) n`,
  )
  await owe(idp, 3)
  const result = await loop(idp)
  expect(result.remaining).toBe(1001)
  expect(new Set(result.unverified).size).toBe(1001)
  expect((await kids(idp)).slice(-4)).toEqual(['old', 'new', 'new', 'new'])
})

test('the loop of the README waits for what is in flight, be it ours or not', async ({ idp }) => {
  await prepare(idp)
  await idp.pool.query('update risc.streams set max_in_flight = 2')
  await idp.pool.query("update risc.flow set ramp = 2 where stream_id = 'a'")
  await owe(idp, 3)
  await idp.pool.query(`update risc.deliveries set signed_set = 'head.e30.sig' where id = 1`)
  const [forged] = await idp.deliveries()
  await addWorker(idp.pool)
  expect(await dispatch(idp.pool)).toBe(2)

  const ended = loop(idp)
  await until(async () => (await kids(idp))[2] === 'new' || undefined, 'what waits to be signed anew')
  const outcome = { next: 'retry', counts: true, delay_ms: 60_000, reason: 'timeout' }
  await settle(
    idp.pool,
    (await tickets(idp.pool)).map((ticket) => ({ ticket, ...outcome })),
  )
  expect(await ended).toMatchObject({ remaining: 1, unverified: [forged?.jti] })
  expect(await kids(idp)).toEqual(['old', 'new', 'new'])
})

test('the loop of the README ends at once when nothing is signed by the key', async ({ idp }) => {
  expect(await loop(idp)).toEqual({ resigned: 0, remaining: 0, unverified: [] })
})
