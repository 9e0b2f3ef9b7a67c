import type { Pool } from 'pg'
import { expect } from 'vitest'
import { cacheFigures, type DatabaseFigures, type StreamFigures } from '../../packages/worker/src/figures.ts'
import { test } from '../support/test.ts'
import { addDeliveries, addStream, addWorker, dispatch } from './rows.ts'

async function streamFigures(pool: Pool, { named = 200, budget = 100_000 } = {}): Promise<StreamFigures[]> {
  const { rows } = await pool.query<StreamFigures>(
    'select * from risc.stream_figures($1, $2) order by stream_id, status, reason',
    [named, budget],
  )
  return rows
}

async function databaseFigures(pool: Pool): Promise<DatabaseFigures | undefined> {
  return (await pool.query<DatabaseFigures>('select * from risc.database_figures()')).rows[0]
}

const IDLE = { status: 'enabled', reason: '', streams: 1, oldest_due_age: 0, queued: 0, dispatched: 0, dead: 0 }

test('a stream shows what it has queued, dispatched and dead, and the window it has earned', async ({ database }) => {
  const { pool } = database
  await addStream(pool, { id: 'a', max_in_flight: 2 })
  await addStream(pool, { id: 'new', unproven: true })
  await addWorker(pool)
  await addDeliveries(pool, 'a', 5)
  const [late] = await addDeliveries(pool, 'a', 1)
  await pool.query(`update risc.deliveries set due_at = now() - interval '1 hour' where jti = $1`, [late])
  const dead = await addDeliveries(pool, 'a', 3)
  await pool.query(
    `update risc.deliveries set state = 'dead', dead_because = 'refused', dead_at = now() where jti = any ($1)`,
    [dead],
  )
  await dispatch(pool)
  const [a, other] = await streamFigures(pool)
  expect(a).toMatchObject({ stream_id: 'a', queued: 4, dispatched: 2, dead: 3, open_breakers: 0, send_window: 2 })
  expect(a?.oldest_due_age).toBeGreaterThan(3599)
  expect(a?.oldest_due_age).toBeLessThan(3700)
  expect(other).toEqual({ ...IDLE, stream_id: 'new', open_breakers: 0, send_window: 1, certificate_expires_at: null })
})

test('a stream shows why nothing is sent, but not what an operator wrote', async ({ database }) => {
  const { pool } = database
  for (const id of ['a', 'b', 'c', 'd']) await addStream(pool, { id })
  await pool.query(
    `update risc.flow set open_until = now(), open_because = 'authentication_failed' where stream_id in ('a', 'c')`,
  )
  await pool.query(`update risc.streams set status = 'paused', status_reason = 'receiver_gone' where id = 'b'`)
  await pool.query(`update risc.streams set status = 'paused', status_reason = 'call Jane, 555-1234' where id = 'c'`)
  await pool.query(`update risc.streams set status = 'disabled' where id = 'd'`)
  expect(await streamFigures(pool)).toMatchObject([
    { stream_id: 'a', status: 'held', reason: 'authentication_failed', open_breakers: 1 },
    { stream_id: 'b', status: 'paused', reason: 'receiver_gone', open_breakers: 0 },
    { stream_id: 'c', status: 'paused', reason: '', open_breakers: 1 },
    { stream_id: 'd', status: 'disabled', reason: '', open_breakers: 0 },
  ])
})

test('a stream shows until when its receiver’s certificate is valid, as long as it is sent to', async ({
  database,
}) => {
  const { pool } = database
  for (const id of ['held', 'open', 'paused', 'young-1', 'young-2', 'young-3']) await addStream(pool, { id })
  await pool.query(`update risc.flow set certificate_expires_at = to_timestamp(1e9 + length(stream_id))
    where stream_id <> 'young-3'`)
  await pool.query(
    `update risc.flow set open_until = now(), open_because = 'timeout' where stream_id in ('held', 'young-1')`,
  )
  await pool.query(`update risc.streams set status = 'paused' where id = 'paused'`)
  const expiries = (await streamFigures(pool, { named: 3 })).map((row) => [row.stream_id, row.certificate_expires_at])
  expect(expiries).toEqual([
    ['(other)', 1e9 + 7],
    ['(other)', 1e9 + 7],
    ['held', 1e9 + 4],
    ['open', 1e9 + 4],
    ['paused', null],
  ])
})

test('beyond the oldest streams the others are summed, by status, with the oldest delivery of all', async ({
  database,
}) => {
  const { pool } = database
  for (const [index, id] of ['d', 'c', 'b', 'a'].entries()) {
    await addStream(pool, { id, max_in_flight: 10 })
    await addDeliveries(pool, id, index + 1)
    await pool.query(
      `update risc.deliveries set due_at = now() - $2::integer * interval '1 hour' where stream_id = $1`,
      [id, index + 1],
    )
  }
  await pool.query(`update risc.flow set open_until = now(), open_because = 'timeout' where stream_id = 'c'`)
  const [others, held, named] = await streamFigures(pool, { named: 1 })
  expect(others).toMatchObject({ stream_id: '(other)', status: 'enabled', streams: 2, queued: 7, send_window: 20 })
  expect(others?.oldest_due_age).toBeGreaterThan(4 * 3600 - 1)
  expect(held).toMatchObject({ stream_id: '(other)', status: 'held', reason: 'timeout', streams: 1, queued: 2 })
  expect(named).toMatchObject({ stream_id: 'd', streams: 1, queued: 1 })
})

test('counting is bounded, and stays exact for streams with little beside one with very much', async ({ database }) => {
  const { pool } = database
  for (const id of ['much', 'some', 'none']) await addStream(pool, { id })
  await addDeliveries(pool, 'much', 5000)
  await addDeliveries(pool, 'some', 90)
  expect(await streamFigures(pool, { budget: 300 })).toMatchObject([
    { stream_id: 'much', queued: 300 },
    { stream_id: 'none', queued: 0 },
    { stream_id: 'some', queued: 90 },
  ])
  expect(await streamFigures(pool, { budget: 100_000 })).toMatchObject([
    { queued: 5000 },
    { queued: 0 },
    { queued: 90 },
  ])
})

test('where dispatch begins at marks, counting does too', async ({ database }) => {
  const { pool } = database
  await addStream(pool, { id: 'a' })
  await addDeliveries(pool, 'a', 10)
  await pool.query('update risc.survey set from_marks = true')
  await pool.query(`update risc.pace set low_due_at = now() - interval '1 minute'`)
  expect(await streamFigures(pool)).toMatchObject([{ queued: 10 }])
  await pool.query(`update risc.pace set low_due_at = now() + interval '1 minute'`)
  expect(await streamFigures(pool)).toMatchObject([{ queued: 0 }])
})

test('the fleet’s live workers and slots are counted', async ({ database }) => {
  const { pool } = database
  await addWorker(pool, { slots: 20 })
  await addWorker(pool, { slots: 30 })
  await addWorker(pool, { slots: 40, silentFor: '1 minute' })
  expect(await databaseFigures(pool)).toMatchObject({ workers: 2, slots: 50 })
})

test('a transaction that stays open shows by its age, and only for as long', async ({ database }) => {
  const { pool } = database
  const client = await pool.connect()
  try {
    await client.query('begin isolation level repeatable read; select pg_sleep(0.3)')
    const open = (await databaseFigures(pool))?.oldest_snapshot_age
    expect(open).toBeGreaterThanOrEqual(0.3)
    await client.query('rollback')
    expect((await databaseFigures(pool))?.oldest_snapshot_age).toBeLessThan(open ?? 0)
  } finally {
    client.release()
  }
})

test('however many ask at once, the database is asked once, and not again for some seconds', async ({ database }) => {
  const asked: string[] = []
  database.pool.on('acquire', () => void asked.push('query'))
  const read = cacheFigures(database.pool, 200)
  await Promise.all(Array.from({ length: 20 }, read))
  await read()
  expect(asked).toHaveLength(2)
})
