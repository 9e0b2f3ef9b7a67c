import type { Pool } from 'pg'
import { expect } from 'vitest'
import { test } from '../support/test.ts'
import { addDeliveries, addStream, addWorker, claim, dispatch, settle, tickets } from './rows.ts'

async function inFlight(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query(
    'select d.jti from risc.inflight i join risc.deliveries d on d.id = i.delivery_id order by d.id',
  )
  return rows.map(({ jti }) => jti)
}

async function settleAll(pool: Pool, workerId: string, outcome: object): Promise<void> {
  const out = await tickets(pool)
  await claim(pool, workerId, out)
  await settle(
    pool,
    out.map((ticket) => ({ ticket, counts: true, ...outcome })),
  )
}

test('deliveries about one user are sent one after the other, as they were enqueued', async ({
  database: { pool },
}) => {
  const workerId = await addWorker(pool)
  await addStream(pool, { id: 'a' })
  const jtis = await addDeliveries(pool, 'a', 3, 1)
  for (const jti of jtis) {
    await dispatch(pool)
    await dispatch(pool)
    expect(await inFlight(pool)).toEqual([jti])
    await settleAll(pool, workerId, { next: 'accepted' })
  }
})

test('those about others, and those to other streams, do not wait for them', async ({ database: { pool } }) => {
  await addWorker(pool)
  await addStream(pool, { id: 'a' })
  await addStream(pool, { id: 'b' })
  const [first] = await addDeliveries(pool, 'a', 3, 1)
  const [other] = await addDeliveries(pool, 'a', 3, 2)
  const [elsewhere] = await addDeliveries(pool, 'b', 3, 1)
  await dispatch(pool)
  expect(await inFlight(pool)).toEqual([first, other, elsewhere])
})

test('a delivery that waits for another attempt is waited for, but not once it has failed for five minutes', async ({
  database: { pool },
}) => {
  const workerId = await addWorker(pool)
  await addStream(pool, { id: 'a' })
  const [, second] = await addDeliveries(pool, 'a', 3, 1)
  await dispatch(pool)
  await settleAll(pool, workerId, { next: 'retry', reason: 'server_error', delay_ms: 3_600_000 })
  expect(await dispatch(pool)).toBe(0)
  await pool.query(`update risc.deliveries set first_failed_at = first_failed_at - interval '299 seconds'`)
  expect(await dispatch(pool)).toBe(0)
  await pool.query(`update risc.deliveries set first_failed_at = first_failed_at - interval '2 seconds'`)
  expect(await dispatch(pool)).toBe(1)
  expect(await inFlight(pool)).toEqual([second])
})

test('an outage that cost no attempt lets nobody overtake, however long it was', async ({ database: { pool } }) => {
  const workerId = await addWorker(pool)
  await addStream(pool, { id: 'a' })
  const [first] = await addDeliveries(pool, 'a', 2, 1)
  await dispatch(pool)
  await settleAll(pool, workerId, { next: 'retry', reason: 'access_denied', holds: true, counts: false, delay_ms: 0 })
  await pool.query(`update risc.flow set open_until = now()`)
  await pool.query(`update risc.deliveries set last_attempt_at = now() - interval '1 day'`)
  await dispatch(pool)
  expect(await inFlight(pool)).toEqual([first])
})

test('a dead letter is not waited for', async ({ database: { pool } }) => {
  const workerId = await addWorker(pool)
  await addStream(pool, { id: 'a' })
  const [, second] = await addDeliveries(pool, 'a', 2, 1)
  await dispatch(pool)
  await settleAll(pool, workerId, { next: 'dead', dead_because: 'refused', reason: 'invalid_request' })
  await dispatch(pool)
  expect(await inFlight(pool)).toEqual([second])
})

test('a stream that asks for no order gets all at once', async ({ database: { pool } }) => {
  await addWorker(pool)
  await addStream(pool, { id: 'a', ordering: 'none' })
  await addDeliveries(pool, 'a', 5, 1)
  expect(await dispatch(pool)).toBe(5)
})

test('another user behind a hundred thousand deliveries about one goes out in the next pass', async ({
  database: { pool },
}) => {
  await addWorker(pool)
  await addStream(pool, { id: 'a' })
  const [first] = await addDeliveries(pool, 'a', 100_000, 1)
  expect(await dispatch(pool)).toBe(1)
  const [second] = await addDeliveries(pool, 'a', 10, 2)
  await dispatch(pool)
  expect(await inFlight(pool)).toEqual([first, second])
})

test('among many users who all have long queues everybody has a turn', async ({ database: { pool } }) => {
  await addWorker(pool)
  await addStream(pool, { id: 'a', max_in_flight: 100_000 })
  await addDeliveries(pool, 'a', 10_000)
  await pool.query('update risc.deliveries set order_key = hashint8extended((id - 1) / 20, 0)')
  await pool.query('update risc.workers set slots = 100000, beat_at = now()')
  while ((await inFlight(pool)).length < 500) await dispatch(pool)
  const { rows } = await pool.query(
    'select count(distinct order_key)::integer as users from risc.inflight i join risc.deliveries d on d.id = i.delivery_id',
  )
  expect(rows).toEqual([{ users: 500 }])
})

test('the five minutes start again when an outage of the receiver is over', async ({ database: { pool } }) => {
  const workerId = await addWorker(pool)
  await addStream(pool, { id: 'a' })
  const [first] = await addDeliveries(pool, 'a', 2, 1)
  await dispatch(pool)
  await settleAll(pool, workerId, { next: 'retry', reason: 'timeout', delay_ms: 0 })
  await pool.query(`update risc.deliveries set first_failed_at = first_failed_at - interval '1 hour'`)
  await pool.query(`update risc.flow set open_until = now(), open_because = 'timeout'`)
  await dispatch(pool)
  expect(await inFlight(pool)).toEqual([first])
  await pool.query('delete from risc.inflight')
  await pool.query(`select risc.learn('[{"stream_id": "a", "answered": true}]')`)
  expect(await dispatch(pool)).toBe(1)
  expect(await inFlight(pool)).toEqual([first])
})

test('a user with many failing deliveries is found behind a long queue of another', async ({ database: { pool } }) => {
  await addWorker(pool)
  await addStream(pool, { id: 'a' })
  await addDeliveries(pool, 'a', 5000, 1)
  expect(await dispatch(pool)).toBe(1)
  const jtis = await addDeliveries(pool, 'a', 6, 2)
  await pool.query(
    `update risc.deliveries set first_failed_at = now() - interval '1 hour', due_at = now() + interval '1 hour' where jti = any ($1)`,
    [jtis.slice(0, 5)],
  )
  await dispatch(pool)
  expect(await inFlight(pool)).toContain(jtis[5])
})
