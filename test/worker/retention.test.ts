import type { Pool } from 'pg'
import { expect } from 'vitest'
import { until } from '../support/until.ts'
import { runCommand } from './cli/command.ts'
import { addDeliveries, addStream, addWorker, claim, dispatch, settle, tickets } from './rows.ts'
import { test } from './started-worker.ts'

type Kept = readonly [dead: number | null, history: number | null, attempts: number | null]

const DEFAULTS: Kept = [30, 90, 14]

/** One step by a worker that is set to keep so many days. */
async function retain(pool: Pool, workerId: string, kept = DEFAULTS) {
  const { rows } = await pool.query('select * from risc.retain($1, $2, $3, $4)', [workerId, ...kept])
  return rows[0]
}

/** Takes steps until there is nothing to do, and returns the partitions that were dropped. */
async function retainAll(pool: Pool, kept = DEFAULTS): Promise<string[]> {
  const workerId = await addWorker(pool)
  const dropped: string[] = []
  for (;;) {
    const { dropped: name } = await retain(pool, workerId, kept)
    if (name === null) return dropped
    dropped.push(name)
  }
}

/** The partition of a day that has been, as `risc.make_partitions` made it then. Returns its name. */
async function addPartition(pool: Pool, parent: 'history' | 'attempts', daysAgo: number): Promise<string> {
  const { rows } = await pool.query(
    `select d::text as day, (d + 1)::text as next, to_char(d, 'YYYYMMDD') as suffix
     from (select (now() at time zone 'UTC')::date - $1::integer as d) t`,
    [daysAgo],
  )
  const [{ day, next, suffix }] = rows
  const name = `${parent}_${suffix}`
  await pool.query(
    `create table risc.${name} partition of risc.${parent} for values from ('${day} UTC') to ('${next} UTC')`,
  )
  return name
}

async function addHistory(pool: Pool, daysAgo: number, kid = 'key-1'): Promise<void> {
  await pool.query(
    `insert into risc.history (delivery_id, stream_id, jti, txn, event_type, kid, set_sha256, outcome, attempts, created_at, settled_at)
     values (1, 'a', 'j', 't', 'e', $2, '', 'accepted', 1, now(), now() - $1 * interval '24 hours')`,
    [daysAgo, kid],
  )
}

async function countPartitions(pool: Pool): Promise<number> {
  const { rows } = await pool.query(
    `select count(*)::integer from pg_inherits where inhparent in ('risc.history'::regclass, 'risc.attempts'::regclass)`,
  )
  return rows[0].count
}

async function addDead(pool: Pool, deadFor: string): Promise<string[]> {
  const jtis = await addDeliveries(pool, 'a', 2)
  await pool.query(
    `update risc.deliveries set state = 'dead', dead_because = 'exhausted', dead_at = now() - $2::interval, attempts = 5
     where jti = any ($1)`,
    [jtis, deadFor],
  )
  return jtis
}

test('history of 91 days ago is dropped, and of 89 days kept; attempts go after a fortnight', async ({
  database: { pool },
}) => {
  const before = await countPartitions(pool)
  const old: string[] = []
  for (const daysAgo of [16, 15]) old.push(await addPartition(pool, 'attempts', daysAgo))
  for (const daysAgo of [400, 92, 91]) old.push(await addPartition(pool, 'history', daysAgo))
  for (const daysAgo of [90, 89]) await addPartition(pool, 'history', daysAgo)
  for (const daysAgo of [14, 13]) await addPartition(pool, 'attempts', daysAgo)
  for (const daysAgo of [91.5, 89]) await addHistory(pool, daysAgo)
  expect(await retainAll(pool)).toEqual(old)
  expect(await countPartitions(pool)).toBe(before + 4)
  expect((await pool.query('select from risc.history')).rowCount).toBe(1)
})

test('a dead letter is discarded after 30 days, with a row that says why', async ({ database: { pool } }) => {
  await addStream(pool, { id: 'a' })
  const old = await addDead(pool, '31 days')
  const young = await addDead(pool, '29 days')
  const [waiting] = await addDeliveries(pool, 'a')
  await pool.query(`update risc.deliveries set created_at = now() - interval '1 year'`)
  expect(await retain(pool, await addWorker(pool))).toMatchObject({ dead: 2 })
  const { rows } = await pool.query('select jti, outcome, reason, attempts, kid from risc.history order by delivery_id')
  expect(rows).toEqual(
    old.map((jti) => ({ jti, outcome: 'discarded', reason: 'retention', attempts: 5, kid: 'key-1' })),
  )
  const { rows: left } = await pool.query('select jti from risc.deliveries order by id')
  expect(left.map(({ jti }) => jti)).toEqual([...young, waiting])
})

test('a dead letter that somebody holds is passed over', async ({ database: { pool } }) => {
  await addStream(pool, { id: 'a' })
  await addDead(pool, '31 days')
  const holder = await pool.connect()
  try {
    await holder.query('begin; select from risc.deliveries order by id limit 1 for update')
    expect(await retain(pool, await addWorker(pool))).toMatchObject({ dead: 1 })
  } finally {
    await holder.query('rollback')
    holder.release()
  }
})

test('nothing is dropped while a dump holds history, and no settle waits for the dump', async ({
  database: { pool },
}) => {
  const workerId = await addWorker(pool)
  const old = await addPartition(pool, 'history', 91)
  await addStream(pool, { id: 'a' })
  await addDeliveries(pool, 'a')
  await dispatch(pool)
  const [ticket = 0] = await tickets(pool)
  await claim(pool, workerId, [ticket])
  const dump = await pool.connect()
  try {
    await dump.query('begin; select count(*) from risc.history')
    const [step, settled] = await Promise.all([
      retain(pool, workerId),
      settle(pool, [{ ticket, next: 'accepted', counts: true, status: 202 }]),
    ])
    expect(step).toEqual({ dead: 0, dropped: null, overflow: 0 })
    expect(settled).toEqual([ticket])
    expect((await pool.query('select history_before from risc.forgotten')).rows).toEqual([
      { history_before: -Infinity },
    ])
  } finally {
    await dump.query('rollback')
    dump.release()
  }
  expect(await retain(pool, workerId)).toMatchObject({ dropped: old })
})

test('what had no partition is deleted in steps when it is too old', async ({ database: { pool } }) => {
  const workerId = await addWorker(pool)
  for (const [table, at] of [
    ['history', 'settled_at'],
    ['attempts', 'ended_at'],
  ] as const) {
    for (const [count, days] of [
      [1500, table === 'history' ? 91 : 15],
      [1, table === 'history' ? 89 : 13],
    ] as const) {
      await pool.query(
        table === 'history'
          ? `insert into risc.history (delivery_id, stream_id, jti, txn, event_type, kid, set_sha256, outcome, attempts, created_at, ${at})
             select n, 'a', 'j', 't', 'e', 'k', '', 'accepted', 1, now(), now() - $2 * interval '24 hours' from generate_series(1, $1::integer) n`
          : `insert into risc.attempts (delivery_id, stream_id, jti, attempt, counted, probe, reason, duration_ms, ${at})
             select n, 'a', 'j', 1, true, false, 'timeout', 1, now() - $2 * interval '24 hours' from generate_series(1, $1::integer) n`,
        [count, days],
      )
    }
  }
  const removed: number[] = []
  for (const _ of [1, 2, 3]) removed.push((await retain(pool, workerId)).overflow)
  expect(removed).toEqual([2000, 1000, 0])
  for (const table of ['history', 'attempts']) {
    expect((await pool.query(`select from risc.${table}_overflow`)).rowCount).toBe(1)
  }
})

test('the longest that any living worker is set to counts, and for ever is longest', async ({ database: { pool } }) => {
  const old = await addPartition(pool, 'history', 91)
  const [short, long] = [await addWorker(pool), await addWorker(pool)]
  await retain(pool, long, [30, 91, 14])
  expect(await retain(pool, short, [30, 1, 14])).toMatchObject({ dropped: null })
  await retain(pool, long, [30, null, 14])
  expect(await retain(pool, short, [30, 1, 14])).toMatchObject({ dropped: null })
  await pool.query(`update risc.workers set beat_at = now() - interval '1 minute' where id = $1`, [long])
  expect(await retain(pool, short, [30, 1, 14])).toMatchObject({ dropped: old })
})

test('nothing is removed while a living worker has not said what it keeps, as one of an older version', async ({
  database: { pool },
}) => {
  const old = await addPartition(pool, 'history', 91)
  const [older, newer] = [await addWorker(pool), await addWorker(pool)]
  expect(await retain(pool, newer)).toBeUndefined()
  await pool.query('delete from risc.workers where id = $1', [older])
  expect(await retain(pool, newer)).toMatchObject({ dropped: old })
})

test('what is set to be kept for ever stays', async ({ database: { pool } }) => {
  await addPartition(pool, 'history', 4000)
  await addPartition(pool, 'attempts', 4000)
  await addStream(pool, { id: 'a' })
  await addDead(pool, '4000 days')
  expect(await retain(pool, await addWorker(pool), [null, null, null])).toEqual({ dead: 0, dropped: null, overflow: 0 })
})

test('returns at once when another host has its turn', async ({ database: { pool } }) => {
  const workerId = await addWorker(pool)
  const other = await pool.connect()
  try {
    await other.query('begin')
    await retain(pool, workerId)
    await other.query(`select pg_advisory_xact_lock(hashtextextended('risc.retain', 0))`)
    expect(await retain(pool, workerId)).toBeUndefined()
  } finally {
    await other.query('rollback')
    other.release()
  }
})

test('no key looks unneeded because the history of those who accepted its SETs is gone', async ({
  database: { pool, url },
}) => {
  const env = { DATABASE_URL: url }
  await addHistory(pool, 0.5)
  await addPartition(pool, 'history', 4)
  await addHistory(pool, 4, 'key-0')
  const shown = await runCommand(['key', 'list', '--recent', '5d'], env)
  expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining('key-0') })
  await retainAll(pool, [30, 1, 14])
  for (const command of ['key list', 'key retire key-1']) {
    const { code, stderr } = await runCommand([...command.split(' '), '--recent', '5d'], env)
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^risc-worker: nobody can tell what was accepted so long ago: history is kept since \d{4}-\d\d-\d\d /,
    )
  }
  expect(await runCommand(['key', 'list'], env)).toMatchObject({ code: 0, stdout: expect.stringContaining('key-1') })
})

test('a worker removes what is too old step by step, and says so', async ({ database: { pool }, start }) => {
  const before = await countPartitions(pool)
  for (const daysAgo of [92, 91]) await addPartition(pool, 'history', daysAgo)
  const worker = start()
  await until(async () => (await countPartitions(pool)) === before || undefined, 'both partitions to be gone')
  await worker.stop()
  expect(worker.logged.filter(({ msg }) => msg === 'what was too old is removed')).toHaveLength(2)
})
