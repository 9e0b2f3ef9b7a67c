import type { Pool } from 'pg'
import { expect } from 'vitest'
import { test } from '../support/test.ts'
import { until } from '../support/until.ts'
import { addDeliveries, addStream, addWorker, dispatch, settle, tickets } from './rows.ts'

async function dispatched(pool: Pool): Promise<number[]> {
  await addStream(pool, { id: 'a' })
  await addDeliveries(pool, 'a', 2)
  await dispatch(pool)
  return tickets(pool)
}

async function maintain(pool: Pool, answeredForMs = 16_000): Promise<Record<string, number>> {
  const { rows } = await pool.query('select * from risc.maintain($1)', [answeredForMs])
  return rows[0]
}

async function tidy(pool: Pool): Promise<Record<string, number>> {
  return (await pool.query('select * from risc.tidy()')).rows[0]
}

async function serverStarted(pool: Pool, ago: string): Promise<void> {
  await pool.query(
    `create or replace function risc.server_started_at() returns timestamptz return now() - interval '${ago}'`,
  )
}

/** How many sessions are a worker's lifeline. */
async function sessions(pool: Pool): Promise<number | null> {
  const { rowCount } = await pool.query(`
    select from pg_locks l join risc.workers w
      on l.locktype = 'advisory' and l.classid::bigint << 32 | l.objid::bigint = risc.lifeline(w.id)`)
  return rowCount
}

/** Makes the hand-over look as old as `age`. */
async function age(pool: Pool, interval: string): Promise<void> {
  await pool.query(
    `update risc.inflight set dispatched_at = dispatched_at - $1::interval, claimed_at = claimed_at - $1::interval`,
    [interval],
  )
}

test('what a worker that left without a word had claimed is queued again', async ({ database: { pool } }) => {
  await serverStarted(pool, '1 hour')
  const workerId = await addWorker(pool)
  const out = await dispatched(pool)
  await pool.query('select risc.claim($1, $2)', [workerId, out])
  expect(await maintain(pool)).toMatchObject({ requeued: 0 })
  await pool.query('delete from risc.workers')
  expect(await maintain(pool)).toMatchObject({ requeued: 2 })
  expect((await pool.query('select state from risc.pending')).rows).toEqual([{ state: 'queued' }, { state: 'queued' }])
})

test('a worker that has been silent for too long is given up, and what it held with it', async ({
  database: { pool },
}) => {
  await serverStarted(pool, '16 s')
  const workerId = await addWorker(pool)
  const out = await dispatched(pool)
  await pool.query('select risc.claim($1, $2)', [workerId, out])
  await pool.query(`update risc.workers set beat_at = now() - interval '14 s'`)
  expect(await maintain(pool)).toMatchObject({ dead_workers: 0, requeued: 0 })
  await pool.query(`update risc.workers set beat_at = now() - interval '16 s'`)
  expect(await maintain(pool)).toMatchObject({ dead_workers: 1, requeued: 2 })
})

test('a worker whose session the database saw end is given up at once, and what it held with it', async ({
  database: { pool },
}) => {
  await serverStarted(pool, '6 s')
  const workerId = await addWorker(pool)
  const out = await dispatched(pool)
  await pool.query('select risc.claim($1, $2)', [workerId, out])
  await pool.query(`update risc.workers set has_lifeline = true, beat_at = now() - interval '3 s'`)
  const lifeline = await pool.connect()
  try {
    await lifeline.query('select pg_advisory_lock_shared(risc.lifeline($1))', [workerId])
    expect(await maintain(pool, 5500)).toMatchObject({ dead_workers: 0, requeued: 0 })
  } finally {
    lifeline.release(true)
  }
  await until(
    async () => ((await maintain(pool, 4500))['dead_workers'] === 0 && (await sessions(pool)) === 0) || undefined,
    'the end',
  )
  expect(await maintain(pool, 5500)).toMatchObject({ dead_workers: 1, requeued: 2 })
})

test('a worker that has lost its session but goes on to beat is not given up', async ({ database: { pool } }) => {
  await serverStarted(pool, '1 hour')
  await addWorker(pool, { silentFor: '1.5 s' })
  await pool.query('update risc.workers set has_lifeline = true')
  expect(await maintain(pool)).toMatchObject({ dead_workers: 0 })
})

test('no worker is given up while the server has only just started', async ({ database: { pool } }) => {
  await serverStarted(pool, '14 s')
  await addWorker(pool, { silentFor: '1 hour' })
  expect(await maintain(pool)).toMatchObject({ dead_workers: 0 })
})

test('a worker is not given up by one that the database has only just answered again', async ({
  database: { pool },
}) => {
  await serverStarted(pool, '1 hour')
  await addWorker(pool, { silentFor: '1 hour' })
  expect(await maintain(pool, 14_000)).toMatchObject({ dead_workers: 0 })
  expect((await pool.query('select from risc.workers')).rowCount).toBe(1)
})

test('a claim that outlasts every timeout is taken back, though its worker lives', async ({ database: { pool } }) => {
  await serverStarted(pool, '1 hour')
  const workerId = await addWorker(pool)
  const out = await dispatched(pool)
  await pool.query('select risc.claim($1, $2)', [workerId, out])
  await age(pool, '110 s')
  expect(await maintain(pool)).toMatchObject({ requeued: 0 })
  await age(pool, '20 s')
  expect(await maintain(pool)).toMatchObject({ requeued: 2 })
})

test('after an outage no claim is taken back before its worker can have settled it', async ({ database: { pool } }) => {
  await serverStarted(pool, '1 hour')
  const workerId = await addWorker(pool)
  const out = await dispatched(pool)
  await pool.query('select risc.claim($1, $2)', [workerId, out])
  await age(pool, '10 min')
  expect(await maintain(pool, 14_000)).toMatchObject({ requeued: 0 })
  await serverStarted(pool, '14 s')
  expect(await maintain(pool)).toMatchObject({ requeued: 0 })
  expect(await tickets(pool)).toEqual(out)
})

test('a delivery whose job is gone is queued again', async ({ database: { pool } }) => {
  await addWorker(pool)
  await dispatched(pool)
  await pool.query('select risc_worker.complete_jobs(array(select id from risc_worker.jobs))')
  expect(await maintain(pool)).toMatchObject({ requeued: 0 })
  await age(pool, '3 s')
  expect(await maintain(pool)).toMatchObject({ requeued: 2 })
})

test('a job that only waits for its turn keeps its delivery, however long', async ({ database: { pool } }) => {
  await addWorker(pool)
  await dispatched(pool)
  await age(pool, '1 hour')
  expect(await maintain(pool)).toMatchObject({ requeued: 0 })
})

test('jobs that a lost runner had locked are free for others', async ({ database: { pool } }) => {
  await addWorker(pool)
  await dispatched(pool)
  await pool.query(
    `update risc_worker._private_jobs set locked_by = 'lost', locked_at = now() - interval '6 s', attempts = attempts + 1`,
  )
  expect(await maintain(pool)).toMatchObject({ unlocked_pools: 1 })
  expect((await pool.query('select from risc_worker.jobs where locked_by is not null')).rowCount).toBe(0)
})

test('jobs that a living runner has locked stay with it', async ({ database: { pool } }) => {
  const workerId = await addWorker(pool)
  await pool.query('update risc.workers set pool_id = $1 where id = $2', ['alive', workerId])
  await dispatched(pool)
  await pool.query(`update risc_worker._private_jobs set locked_by = 'alive', locked_at = now() - interval '6 s'`)
  expect(await maintain(pool)).toMatchObject({ unlocked_pools: 0, requeued: 0 })
})

test('history has its partitions before their days come', async ({ database: { pool } }) => {
  await maintain(pool)
  const { rows } = await pool.query(
    `select to_regclass('risc.history_' || to_char((now() at time zone 'UTC')::date + 7, 'YYYYMMDD')) is not null as made`,
  )
  expect(rows).toEqual([{ made: true }])
})

test('somebody who reads all of history, as a dump does, holds up no more than its own partitions', async ({
  database: { pool },
}) => {
  await addWorker(pool)
  await dispatched(pool)
  await pool.query('select risc_worker.complete_jobs(array(select id from risc_worker.jobs))')
  await age(pool, '3 s')
  const { rows } = await pool.query(
    `select 'risc.history_' || to_char((now() at time zone 'UTC')::date + 7, 'YYYYMMDD') as newest`,
  )
  const { newest } = rows[0]
  await pool.query(`drop table ${newest}`)
  const reader = await pool.connect()
  try {
    await reader.query('begin; select count(*) from risc.history')
    expect(await maintain(pool)).toMatchObject({ requeued: 2 })
  } finally {
    await reader.query('rollback')
    reader.release()
  }
  await maintain(pool)
  expect((await pool.query('select to_regclass($1) is not null as made', [newest])).rows).toEqual([{ made: true }])
})

test('returns at once when another host has its turn', async ({ database: { pool } }) => {
  const other = await pool.connect()
  try {
    await other.query('begin')
    await other.query('select * from risc.maintain(0)')
    expect(await maintain(pool)).toBeUndefined()
  } finally {
    await other.query('rollback')
    other.release()
  }
})

test('a worker that leaves hands back what it held', async ({ database: { pool } }) => {
  const workerId = await addWorker(pool)
  const out = await dispatched(pool)
  await pool.query('select risc.claim($1, $2)', [workerId, out])
  expect((await pool.query('select risc.leave($1, $2) as handed_back', [workerId, []])).rows).toEqual([
    { handed_back: 2 },
  ])
  expect(await tickets(pool)).toEqual([])
  expect((await pool.query('select from risc.workers')).rowCount).toBe(0)
})

test('what is too old is given up where nothing is sent, be it paused or held', async ({ database: { pool } }) => {
  await addStream(pool, { id: 'paused', status: 'paused', max_age: '2 hours' })
  await addStream(pool, { id: 'held', max_age: '2 hours' })
  await addStream(pool, { id: 'login', profile: 'login.gov', status: 'paused' })
  await pool.query(`update risc.flow set open_until = now() + interval '1 day', open_because = 'timeout'`)
  const old: string[] = []
  for (const [id, age] of [
    ['paused', '2 hours'],
    ['held', '2 hours'],
    ['login', '12 hours'],
  ] as const) {
    old.push(...(await addDeliveries(pool, id, 2)))
    await pool.query(
      `update risc.deliveries set created_at = created_at - $2::interval, due_at = due_at - $2::interval where stream_id = $1`,
      [id, age],
    )
    await addDeliveries(pool, id)
  }
  expect(await tidy(pool)).toEqual({ expired: 6, discarded: 0 })
  const { rows } = await pool.query('select jti, dead_because, reason, attempts from risc.dead')
  expect(rows.map(({ jti }) => jti).toSorted()).toEqual(old.toSorted())
  expect(rows[0]).toMatchObject({ dead_because: 'expired', reason: 'too_old', attempts: 0 })
})

test('what is in flight is left to its worker, however old', async ({ database: { pool } }) => {
  await addWorker(pool)
  await dispatched(pool)
  await pool.query(`update risc.deliveries set created_at = now() - interval '30 days'`)
  expect(await tidy(pool)).toMatchObject({ expired: 0 })
})

test('a disabled stream’s deliveries are discarded with the reason, dead letters and what is urgent are not', async ({
  database: { pool },
}) => {
  await addStream(pool, { id: 'a' })
  const jtis = await addDeliveries(pool, 'a', 4)
  await pool.query(
    `update risc.deliveries set state = 'dead', dead_because = 'refused', dead_at = now() where jti = $1`,
    [jtis[0]],
  )
  await pool.query('update risc.deliveries set urgent = true where jti = $1', [jtis[1]])
  expect(await tidy(pool)).toMatchObject({ discarded: 0 })
  await pool.query(`update risc.streams set status = 'disabled'`)
  expect(await tidy(pool)).toMatchObject({ discarded: 2 })
  const { rows } = await pool.query('select jti, outcome, reason from risc.history order by delivery_id')
  expect(rows).toEqual(jtis.slice(2).map((jti) => ({ jti, outcome: 'discarded', reason: 'stream_disabled' })))
  expect((await pool.query('select jti from risc.deliveries order by id')).rows.map(({ jti }) => jti)).toEqual(
    jtis.slice(0, 2),
  )
})

test('a search that is slow begins at the marks, and finds again what a long transaction commits late', async ({
  database: { pool },
}) => {
  await addWorker(pool)
  await addStream(pool, { id: 'a' })
  await addStream(pool, { id: 'b' })
  await pool.query(`update risc.survey set from_marks = true`)
  await pool.query(`update risc.pace set low_due_at = now() - interval '1 second'`)
  await addDeliveries(pool, 'a')
  expect(await dispatch(pool)).toBe(1)
  await addDeliveries(pool, 'b')
  await pool.query(`update risc.deliveries set due_at = now() - interval '1 hour' where stream_id = 'b'`)
  expect(await dispatch(pool)).toBe(0)
  await pool.query('select risc.survey()')
  expect(await dispatch(pool)).toBe(1)
})

test('under a held snapshot what one transaction enqueued is searched from where it was left', async ({
  database: { pool },
}) => {
  await addWorker(pool, { slots: 1000 })
  await addStream(pool, { id: 'a', max_in_flight: 1000 })
  await addDeliveries(pool, 'a', 3000)
  await pool.query(`update risc.deliveries set due_at = now() - interval '1 minute'`) // of one moment
  await pool.query('update risc.survey set from_marks = true')
  const holder = await pool.connect()
  const client = await pool.connect()
  try {
    await holder.query('begin isolation level repeatable read')
    await holder.query('select from risc.streams')
    for (let pass = 0; pass < 3; pass++) {
      await dispatch(pool)
      await settle(
        pool,
        (await tickets(pool)).map((ticket) => ({ ticket, next: 'accepted', counts: true })),
      )
    }
    await dispatch(pool)
    await client.query('begin')
    await client.query('set local enable_seqscan = off; set local enable_bitmapscan = off')
    const { rows: due } = await client.query('select first_id::integer as id from risc.due_streams()')
    const { rows: counted } = await client.query(
      `select pg_stat_get_xact_tuples_returned('risc.deliveries_due'::regclass)::integer as read`,
    )
    const { rows: owed } = await client.query('select min(id)::integer as id from risc.deliveries')
    expect(due).toEqual(owed)
    expect(counted[0].read).toBeLessThan(10) // beside more than two thousand that were settled
  } finally {
    for (const one of [client, holder]) {
      await one.query('rollback')
      one.release()
    }
  }
})

test('tidying reads of a backlog in time no more than the first few of each stream', async ({ database: { pool } }) => {
  await addStream(pool, { id: 'a' })
  await addDeliveries(pool, 'a', 20_000)
  await pool.query('vacuum analyze risc.deliveries')
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query('select * from risc.tidy()')
    const { rows } = await client.query(
      `select pg_stat_get_xact_tuples_fetched('risc.deliveries'::regclass)::integer as fetched`,
    )
    expect(rows[0].fetched).toBeLessThan(100)
  } finally {
    await client.query('rollback')
    client.release()
  }
})

test('a vacuum that did not help is not repeated at once', async ({ database: { pool } }) => {
  const needsVacuum = async (): Promise<boolean> => {
    await pool.query('select pg_stat_force_next_flush()')
    const { rows } = await pool.query(`select risc.needs_vacuum('risc.inflight') as needed`)
    return rows[0].needed
  }
  const holder = await pool.connect()
  try {
    await holder.query('begin isolation level repeatable read')
    await holder.query('select from risc.streams')
    await pool.query(
      `insert into risc.inflight (delivery_id, stream_id, job_id) select n, 'a', n from generate_series(1, 100000) n`,
    )
    await pool.query('delete from risc.inflight')
    await until(async () => (await needsVacuum()) || undefined, 'a need of vacuum')
    await pool.query('vacuum risc.inflight')
    expect(await needsVacuum()).toBe(false)
  } finally {
    await holder.query('rollback')
    holder.release()
  }
})

test.for([
  ['the beginning', false],
  ['marks', true],
] as const)(
  'what a restored dump has in flight is queued again, though its sequences are newer than its rows, searching from %s',
  async ([, fromMarks], { database: { pool } }) => {
    await pool.query('update risc.survey set from_marks = $1', [fromMarks])
    await serverStarted(pool, '1 hour')
    const workerId = await addWorker(pool)
    const out = await dispatched(pool)
    await pool.query('select risc.claim($1, $2)', [workerId, out])
    await pool.query(`delete from risc.workers`)
    await pool.query(`select setval('risc.low_ticket', 1000), setval('risc.inflight_ticket_seq', 2000)`)
    expect(await maintain(pool)).toMatchObject({ requeued: 0 })
    await pool.query('select risc.survey()')
    expect(await maintain(pool)).toMatchObject({ requeued: 2 })
  },
)
