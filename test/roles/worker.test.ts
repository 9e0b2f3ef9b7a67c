import { expect } from 'vitest'
import { until } from '../support/until.ts'
import { addDeliveries, addStream, addWorker } from '../worker/rows.ts'
import { test } from './granted.ts'

test('a worker whose role is granted work delivers, maintains, redrives and forgets, and has no other right', async ({
  database,
  receiver,
  roles,
  start,
}) => {
  const { pool } = database
  const bank = await receiver((_, n) => ({ status: n <= 2 ? 503 : 202 }))
  const picky = await receiver(() => ({ status: 400 }))
  await addStream(pool, { id: 'bank', endpoint_url: bank.url, retry_delays_ms: [10, 10, 10] })
  await addStream(pool, { id: 'picky', endpoint_url: picky.url })
  await addStream(pool, { id: 'ended', status: 'disabled' })
  await addStream(pool, { id: 'slow', status: 'paused', max_age: '1 ms' })
  await addDeliveries(pool, 'bank', 20)
  await addDeliveries(pool, 'picky', 3)
  await addDeliveries(pool, 'ended', 3)
  await addDeliveries(pool, 'slow', 3)
  const dead = await addWorker(pool, { silentFor: '1 hour' })
  await pool.query('update risc.workers set has_lifeline = true')
  await pool.query(
    `insert into risc.inflight (delivery_id, stream_id, job_id, worker_id, claimed_at)
    select id, stream_id, 0, $1, now() from risc.deliveries where stream_id = 'bank' order by id limit 5`,
    [dead],
  )
  await pool.query(
    `create table risc.history_20200101 partition of risc.history for values from ('2020-01-01') to ('2020-01-02')`,
  )
  await pool.query(`insert into risc.attempts (delivery_id, stream_id, jti, attempt, counted, probe, reason, duration_ms, ended_at)
    values (0, 'bank', 'old', 1, true, false, 'timeout', 1, '2020-01-01')`)
  const [inAWeek] = (
    await pool.query(`select to_char(now() at time zone 'UTC' + interval '7 days', 'YYYYMMDD') as day`)
  ).rows
  await pool.query(`drop table risc.attempts_${inAWeek.day}`)

  const worker = start({ databaseUrl: roles.work.url })
  const there = (condition: string, values: readonly unknown[] = []) =>
    until(async () => {
      const { rows } = await pool.query(`select (${condition}) as so`, [...values])
      return rows[0].so === true ? true : undefined
    }, condition)
  const settled = (outcome: string, stream: string, count: number) =>
    there('(select count(*) from risc.history where outcome = $1 and stream_id = $2) = $3', [outcome, stream, count])
  await settled('accepted', 'bank', 20)
  await settled('discarded', 'ended', 3)
  await there(`(select count(*) from risc.dead where dead_because = 'expired') = 3`)
  await there(`(select count(*) from risc.dead where dead_because = 'refused') = 3`)
  await there('not exists (select from risc.workers where id = $1)', [dead])
  await there(`to_regclass('risc.history_20200101') is null`)
  await there(`to_regclass('risc.attempts_' || $1) is not null`, [inAWeek.day])
  await there(`not exists (select from risc.attempts where jti = 'old')`)

  picky.respond = () => ({ status: 202 })
  await pool.query(`select risc.start_redrive(row ('picky', null, null, null, now())::risc.dead_filter, 100, 'me')`)
  await settled('accepted', 'picky', 3)

  await worker.stop()
  expect((await pool.query('select from risc.inflight')).rows).toEqual([])
  expect((await pool.query('select from risc.workers')).rows).toEqual([])
  expect(worker.logged.filter(({ code }) => code === '42501')).toEqual([])
  expect(worker.logged.filter((line) => 'graphile_worker' in line && line['level'] === 40)).toEqual([])
})
