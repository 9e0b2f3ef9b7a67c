import fc from 'fast-check'
import type { Pool } from 'pg'
import { expect } from 'vitest'
import { test } from '../support/test.ts'
import { addDeliveries, addStream, addWorker, claim, dispatch, settle, tickets } from './rows.ts'

/** Lets time go by for the rate alone: what was paid for until a moment is now paid for until an earlier one. */
async function pass(pool: Pool, ms: number): Promise<void> {
  await pool.query(`update risc.pace set paid_at = paid_at - $1 * interval '1 millisecond'`, [ms])
}

/** Everything that is out is answered. */
async function answerAll(pool: Pool): Promise<void> {
  await pool.query('delete from risc.deliveries d using risc.inflight i where i.delivery_id = d.id')
  await pool.query('delete from risc.inflight')
}

test('a tenth of the limit goes out at once, and the rest evenly', async ({ database: { pool } }) => {
  await addWorker(pool, { slots: 1000 })
  await addStream(pool, { id: 'a', max_in_flight: 1000, rate_limit: 100, rate_interval: '91 s' })
  await addDeliveries(pool, 'a', 300)
  expect(await dispatch(pool)).toBe(10)
  expect(await dispatch(pool)).toBe(0)
  await pass(pool, 3001)
  expect(await dispatch(pool)).toBe(3)
  await pass(pool, 3_600_000)
  expect(await dispatch(pool)).toBe(10)
})

test('no interval ever sees more requests than the limit, wherever it begins', async ({ database: { pool } }) => {
  await addWorker(pool, { slots: 2000 })
  const interval = 10_000
  let run = 0
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 60 }),
      fc.array(fc.integer({ min: 1, max: 6000 }), { minLength: 5, maxLength: 12 }),
      async (limit, pauses) => {
        const id = `stream-${run++}`
        await addStream(pool, { id, max_in_flight: 1000, rate_limit: limit, rate_interval: `${interval} ms` })
        await addDeliveries(pool, id, 500)
        const handed: { at: number; count: number }[] = []
        let passed = 0
        for (const pause of pauses) {
          const { rows } = await pool.query(
            'select handed, extract(epoch from now())::float8 as at from risc.dispatch()',
          )
          handed.push({ at: rows[0].at * 1000 + passed, count: rows[0].handed })
          await answerAll(pool)
          await pass(pool, pause)
          passed += pause
        }
        await pool.query('delete from risc.deliveries')
        for (const { at: from } of handed) {
          const within = handed.filter((pass) => pass.at >= from && pass.at < from + interval)
          expect(within.reduce((sum, { count }) => sum + count, 0)).toBeLessThanOrEqual(limit)
        }
      },
    ),
    { numRuns: 40 },
  )
})

test('what the rate holds back waits without an attempt, and does not keep other streams waiting', async ({
  database: { pool },
}) => {
  await addWorker(pool)
  await addStream(pool, { id: 'limited', rate_limit: 1 })
  await addStream(pool, { id: 'free' })
  await addDeliveries(pool, 'limited', 10)
  await dispatch(pool)
  await addDeliveries(pool, 'free', 10)
  expect(await dispatch(pool)).toBe(10)
  const { rows } = await pool.query(`select attempts, count(*)::integer from risc.deliveries group by attempts`)
  expect(rows).toEqual([{ attempts: 0, count: 20 }])
})

test('a stream that nobody has set a rate for gets a thousand requests a minute', async ({ database: { pool } }) => {
  await pool.query(`insert into risc.streams (id, endpoint_url, audience) values ('a', 'https://a.example/', '{a}')`)
  const { rows } = await pool.query('select rate_limit, rate_interval::text, rate_burst from risc.streams')
  expect(rows).toEqual([{ rate_limit: 1000, rate_interval: '00:01:00', rate_burst: 100 }])
})

test('a hundred thousand SETs for a thousand requests a minute are all there, drained at that rate, no attempt wasted', {
  timeout: 180_000,
}, async ({ database: { pool } }) => {
  const workerId = await addWorker(pool, { slots: 400 })
  await addStream(pool, { id: 'a', max_in_flight: 200, rate_limit: 1000, rate_interval: '60 s' })
  await addDeliveries(pool, 'a', 100_000)
  const perMinute: number[] = []
  let inThisMinute = 0
  for (let turn = 1, drained = 0; drained < 100_000; turn++) {
    expect(turn, 'passes').toBeLessThan(1200)
    await pool.query('update risc.workers set beat_at = now()')
    const handed = await dispatch(pool)
    const out = await tickets(pool)
    await claim(pool, workerId, out)
    await settle(
      pool,
      out.map((ticket) => ({ ticket, next: 'accepted', counts: true, status: 202 })),
    )
    drained += handed
    inThisMinute += handed
    await pass(pool, 6000)
    if (turn % 10 === 0) perMinute.push(inThisMinute)
    if (turn % 10 === 0) inThisMinute = 0
  }
  expect(Math.max(...perMinute)).toBeLessThanOrEqual(1000)
  expect(Math.min(...perMinute.slice(0, -1))).toBeGreaterThan(890)
  const { rows } = await pool.query(
    'select count(*)::integer as settled, max(attempts)::integer as attempts from risc.history',
  )
  expect(rows).toEqual([{ settled: 100_000, attempts: 1 }])
})
