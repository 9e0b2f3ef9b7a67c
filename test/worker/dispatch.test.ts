import type { Pool } from 'pg'
import { describe, expect } from 'vitest'
import { goesOn, pauseAfterPass } from '../../packages/worker/src/dispatch.ts'
import { test } from '../support/test.ts'
import { addDeliveries, addManyStreams, addStream, addWorker, dispatch, settle, tickets } from './rows.ts'

async function heldByStream(pool: Pool): Promise<Record<string, number>> {
  const { rows } = await pool.query('select stream_id, count(*)::integer as held from risc.inflight group by stream_id')
  return Object.fromEntries(rows.map((row) => [row.stream_id, row.held]))
}

describe('a pass', () => {
  test('hands nothing over while no worker lives', async ({ database: { pool } }) => {
    await addStream(pool, { id: 'a' })
    await addDeliveries(pool, 'a')
    expect(await dispatch(pool)).toBe(0)
    await addWorker(pool, { silentFor: '16 s' })
    expect(await dispatch(pool)).toBe(0)
    await addWorker(pool)
    expect(await dispatch(pool)).toBe(1)
  })

  test('never has more of a stream in flight than its window', async ({ database: { pool } }) => {
    await addWorker(pool)
    await addStream(pool, { id: 'a', max_in_flight: 3 })
    await addDeliveries(pool, 'a', 10)
    expect(await dispatch(pool)).toBe(3)
    expect(await dispatch(pool)).toBe(0)
    await pool.query('delete from risc.inflight where ticket = (select min(ticket) from risc.inflight)')
    expect(await dispatch(pool)).toBe(1)
    expect(await heldByStream(pool)).toEqual({ a: 3 })
  })

  test('takes the oldest due deliveries of a stream first, and none before its time', async ({
    database: { pool },
  }) => {
    await addWorker(pool)
    await addStream(pool, { id: 'a', max_in_flight: 2 })
    const [first, second, third] = await addDeliveries(pool, 'a', 3)
    await pool.query(`update risc.deliveries set due_at = now() + interval '1 hour' where jti = $1`, [first])
    await pool.query(`update risc.deliveries set due_at = now() - interval '1 hour' where jti = $1`, [third])
    await dispatch(pool)
    const { rows } = await pool.query(
      'select d.jti from risc.inflight i join risc.deliveries d on d.id = i.delivery_id order by i.ticket',
    )
    expect(rows.map((row) => row.jti)).toEqual([third, second])
  })

  test('serves a quiet stream in the first pass, whatever the backlog of another', async ({ database: { pool } }) => {
    await addWorker(pool, { slots: 10 })
    await addStream(pool, { id: 'busy', max_in_flight: 1000 })
    await addStream(pool, { id: 'quiet' })
    await addDeliveries(pool, 'busy', 5000)
    await dispatch(pool)
    await addDeliveries(pool, 'quiet')
    await pool.query('delete from risc.inflight where ticket = (select min(ticket) from risc.inflight)')
    await dispatch(pool)
    expect(await heldByStream(pool)).toEqual({ busy: 8, quiet: 1 })
  })

  test('shares what the fleet has room for among the streams that wait', async ({ database: { pool } }) => {
    await addWorker(pool, { slots: 40 })
    for (const id of ['a', 'b', 'c', 'd']) {
      await addStream(pool, { id, max_in_flight: 1000 })
      await addDeliveries(pool, id, 100)
    }
    while ((await dispatch(pool)) > 0);
    expect(Object.values(await heldByStream(pool)).toSorted()).toEqual([8, 9, 9, 9]) // all but an eighth
  })

  test('gives streams that hang half of the slots together, however many they are', async ({ database: { pool } }) => {
    await addWorker(pool, { slots: 20 })
    for (const id of ['hang-1', 'hang-2', 'hang-3', 'hang-4']) {
      await addStream(pool, { id, max_in_flight: 1000 })
      await addDeliveries(pool, id, 100)
    }
    await dispatch(pool)
    await pool.query(
      `delete from risc.inflight where ticket not in (select min(ticket) from risc.inflight group by stream_id)`,
    )
    await pool.query(
      `update risc.inflight set worker_id = gen_random_uuid(), claimed_at = now() - interval '2 seconds'`,
    )
    while ((await dispatch(pool)) > 0);
    expect(Object.values(await heldByStream(pool)).reduce((sum, held) => sum + held)).toBe(10)

    await addStream(pool, { id: 'quick', max_in_flight: 1000 })
    await addDeliveries(pool, 'quick', 100)
    await dispatch(pool)
    expect(await heldByStream(pool)).toMatchObject({ quick: 8 })
  })

  test('lets a new stream have its turn among failing ones with old backlogs', async ({ database: { pool } }) => {
    await addWorker(pool, { slots: 4 })
    for (let n = 1; n <= 6; n++) {
      await addStream(pool, { id: `failing-${n}`, unproven: true })
      await addDeliveries(pool, `failing-${n}`, 100)
    }
    await addStream(pool, { id: 'new', unproven: true })
    await addDeliveries(pool, 'new')
    let rounds = 0
    for (let served = false; !served; rounds++) {
      await dispatch(pool)
      served = 'new' in (await heldByStream(pool))
      await pool.query('delete from risc.deliveries d using risc.inflight i where i.delivery_id = d.id')
      await pool.query('delete from risc.inflight')
    }
    expect(rounds).toBeLessThan(200) // three times six hundred deliveries in turns of two, if age went first
  })

  test('lets a quiet stream have its turn among healthy ones with older backlogs', async ({ database: { pool } }) => {
    await addWorker(pool, { slots: 16 })
    for (let n = 1; n <= 30; n++) {
      await addStream(pool, { id: `busy-${n}` })
      await addDeliveries(pool, `busy-${n}`, 100)
    }
    await addStream(pool, { id: 'quiet' })
    await addDeliveries(pool, 'quiet')
    let rounds = 0
    for (let served = false; !served; rounds++) {
      await dispatch(pool)
      served = 'quiet' in (await heldByStream(pool))
      await pool.query('delete from risc.deliveries d using risc.inflight i where i.delivery_id = d.id')
      await pool.query('delete from risc.inflight')
    }
    expect(rounds).toBeLessThan(60) // three thousand deliveries in turns of sixteen, if age went first
  })

  test('is not stopped by a stream whose rate no clock can tell', async ({ database: { pool } }) => {
    await addWorker(pool)
    await addStream(pool, { id: 'quick', rate_limit: 1_000_000_000, rate_interval: '1 second' })
    await addStream(pool, { id: 'other' })
    await addDeliveries(pool, 'quick')
    await addDeliveries(pool, 'other')
    expect(await dispatch(pool)).toBe(2)
  })

  test('hands over what is urgent one at a time of each stream, in an eighth of the slots', async ({
    database: { pool },
  }) => {
    await addWorker(pool, { slots: 32 })
    for (let n = 1; n <= 10; n++) {
      await addStream(pool, { id: `paused-${n}`, status: 'paused' })
      await addDeliveries(pool, `paused-${n}`, 5)
    }
    await pool.query('update risc.deliveries set urgent = true')
    await pool.query('insert into risc.urgent (delivery_id, stream_id) select id, stream_id from risc.deliveries')
    expect(await dispatch(pool)).toBe(4)
    expect(await dispatch(pool)).toBe(0)
    expect(Object.values(await heldByStream(pool))).toEqual([1, 1, 1, 1])
  })

  test('keeps an eighth of the slots for streams that hold little, whatever begins to hang unforeseen', async ({
    database: { pool },
  }) => {
    await addWorker(pool, { slots: 80 })
    for (const id of ['a', 'b', 'c']) {
      await addStream(pool, { id, max_in_flight: 1000 })
      await addDeliveries(pool, id, 1000)
    }
    while ((await dispatch(pool)) > 0);
    for (let n = 1; n <= 12; n++) {
      await addStream(pool, { id: `quiet-${n}` })
      await addDeliveries(pool, `quiet-${n}`, 100)
    }
    expect(await dispatch(pool)).toBe(10)
    expect(await dispatch(pool)).toBe(0)
    const quiet = Object.entries(await heldByStream(pool)).filter(([id]) => id.startsWith('quiet'))
    expect(quiet.map(([, held]) => held)).toEqual(Array(10).fill(1))
  })

  test('fills a rested fleet pass by pass when backlogs fall due at once, and serves a quiet stream in each', async ({
    database: { pool },
  }) => {
    await addWorker(pool, { slots: 320, rested: true })
    await addStream(pool, { id: 'quiet' })
    for (let n = 1; n <= 9; n++) {
      await addStream(pool, { id: `backlog-${n}` })
      await addDeliveries(pool, `backlog-${n}`, 50)
    }
    let inFlight = 0
    for (let quiet = 1; inFlight < 250; quiet++) {
      await addDeliveries(pool, 'quiet')
      const handed = await dispatch(pool)
      expect(handed).toBeGreaterThanOrEqual(10)
      expect(handed).toBeLessThanOrEqual(20)
      expect(await heldByStream(pool)).toMatchObject({ quiet })
      inFlight += handed
    }
  })

  test('hands a fleet in one pass what it has carried of late', async ({ database: { pool } }) => {
    await addWorker(pool, { slots: 320, rested: true })
    await addStream(pool, { id: 'a', max_in_flight: 200 })
    await addDeliveries(pool, 'a', 1000)
    while ((await tickets(pool)).length < 200) await dispatch(pool)
    await settle(
      pool,
      (await tickets(pool)).map((ticket) => ({ ticket, next: 'accepted', counts: true, status: 202 })),
    )
    expect(await dispatch(pool)).toBe(200)
  })

  test('gives no room to a stream whose due deliveries are all in flight', async ({ database: { pool } }) => {
    await addWorker(pool, { slots: 40 })
    for (let n = 1; n <= 30; n++) {
      await addStream(pool, { id: `single-${n}` })
      await addDeliveries(pool, `single-${n}`)
    }
    await addStream(pool, { id: 'backlog' })
    await addDeliveries(pool, 'backlog', 100)
    await dispatch(pool)
    await dispatch(pool)
    expect(await heldByStream(pool)).toMatchObject({ backlog: 5 })
  })

  test('never hands out more than the slots, whatever the classes', async ({ database: { pool } }) => {
    await addWorker(pool, { slots: 20 })
    for (let n = 1; n <= 30; n++) {
      await addStream(pool, { id: `new-${n}`, unproven: true })
      await addDeliveries(pool, `new-${n}`)
      await addStream(pool, { id: `proven-${n}` })
      await addDeliveries(pool, `proven-${n}`, 10)
    }
    while ((await dispatch(pool)) > 0);
    const held = await heldByStream(pool)
    expect(Object.values(held).reduce((sum, one) => sum + one)).toBe(20)
  })

  test('has no more of a stream in flight than its receiver has earned by answering', async ({
    database: { pool },
  }) => {
    await addWorker(pool)
    await addStream(pool, { id: 'new', unproven: true })
    await addDeliveries(pool, 'new', 100)
    expect(await dispatch(pool)).toBe(1)
    expect(await dispatch(pool)).toBe(0)
    await pool.query('delete from risc.inflight')
    await pool.query(`select risc.learn('[{"stream_id": "new", "answered": true}]')`)
    expect(await dispatch(pool)).toBe(2)
  })

  test('leaves paused and disabled streams alone', async ({ database: { pool } }) => {
    await addWorker(pool)
    for (const status of ['enabled', 'paused', 'disabled']) {
      await addStream(pool, { id: status, status })
      await addDeliveries(pool, status)
    }
    await dispatch(pool)
    expect(await heldByStream(pool)).toEqual({ enabled: 1 })
  })

  test('makes one job for one host, two for each of several, and notifies once', async ({ database: { pool } }) => {
    await addWorker(pool)
    await addStream(pool, { id: 'a' })
    await addDeliveries(pool, 'a', 7)
    const listener = await pool.connect()
    const heard: unknown[] = []
    listener.on('notification', ({ payload }) => heard.push(JSON.parse(payload ?? '{}').count))
    try {
      await listener.query('listen "jobs:insert"')
      await dispatch(pool)
      await listener.query('select 1')
      expect(heard).toEqual([1])
      await addWorker(pool)
      await addDeliveries(pool, 'a', 7)
      await dispatch(pool)
      await listener.query('select 1')
      expect(heard).toEqual([1, 4])
    } finally {
      listener.release(true)
    }
    const { rows } = await pool.query(
      `select j.task_identifier, j.max_attempts, count(*)::integer as tickets
       from risc.inflight i join risc_worker.jobs j on j.id = i.job_id group by j.id, 1, 2 order by min(i.ticket)`,
    )
    const job = { task_identifier: 'risc.deliver', max_attempts: 25 }
    expect(rows).toEqual([7, 2, 2, 2, 1].map((tickets) => ({ ...job, tickets })))
  })

  test('makes no job of more than half of the slots, or an eighth of the fewest where hosts differ', async ({
    database: { pool },
  }) => {
    const sizes = async (): Promise<number[]> => {
      const { rows } = await pool.query(
        'select count(*)::integer as tickets from risc.inflight group by job_id order by 1',
      )
      return rows.map(({ tickets }) => tickets)
    }
    await addWorker(pool, { slots: 32 })
    await addStream(pool, { id: 'a', max_in_flight: 1000 })
    await addDeliveries(pool, 'a', 1000)
    expect(await dispatch(pool)).toBe(28) // an eighth of the slots is kept
    expect(await sizes()).toEqual([12, 16])
    await pool.query('delete from risc.inflight')
    await addWorker(pool, { slots: 1000 })
    await dispatch(pool)
    expect(new Set(await sizes())).toEqual(new Set([4, 3]))
  })

  test('is kept from no stream by others, however many, that may be sent nothing', async ({ database: { pool } }) => {
    await addWorker(pool)
    await addManyStreams(pool, 600)
    await pool.query(`
      update risc.flow set open_until = now() + interval '1 hour', open_because = 'timed_out' where stream_id < 'many-200';
      update risc.streams set status = 'paused' where id like 'many-%' and id between 'many-200' and 'many-399';
      update risc.pace set paid_at = now() + interval '1 hour' where stream_id >= 'many-400'`)
    for (const id of ['a', 'z']) {
      await addStream(pool, { id })
      await addDeliveries(pool, id)
    }
    await dispatch(pool)
    expect(await heldByStream(pool)).toEqual({ a: 1, z: 1 })
  })

  test.for([
    ['the beginning', false],
    ['marks', true],
  ] as const)(
    'looks at no more due streams than it can serve, and at each in turn, searching from %s',
    async ([, fromMarks], { database: { pool } }) => {
      await addWorker(pool)
      await pool.query('update risc.survey set from_marks = $1', [fromMarks])
      await addManyStreams(pool, 600)
      const looked = async (): Promise<number> => {
        const { rows } = await client.query(
          `select pg_stat_get_xact_tuples_returned('risc.flow_pkey'::regclass)::integer as looked`,
        )
        return rows[0].looked
      }
      const client = await pool.connect()
      const served = new Set<string>()
      try {
        await client.query('begin')
        const before = await looked()
        await dispatch(client)
        expect((await looked()) - before).toBeLessThan(300)
        await client.query('commit')
      } finally {
        client.release()
      }
      for (let pass = 0; pass < 100 && served.size < 600; pass++) {
        for (const id of Object.keys(await heldByStream(pool))) served.add(id)
        await pool.query('delete from risc.inflight')
        await dispatch(pool)
      }
      expect(served.size).toBe(600)
    },
  )

  test('gives each of many due streams a slot before any has a second', async ({ database: { pool } }) => {
    await addWorker(pool)
    for (let n = 0; n < 80; n++) {
      await addStream(pool, { id: `stream-${n}` })
      await addDeliveries(pool, `stream-${n}`, 5)
    }
    await dispatch(pool)
    const held = Object.values(await heldByStream(pool))
    expect(held).toHaveLength(80)
    expect(Math.max(...held)).toBe(2)
  })

  test('gives what is kept for streams that hold little to streams that hold one each', async ({
    database: { pool },
  }) => {
    await addWorker(pool, { slots: 160 })
    for (let n = 0; n < 35; n++) {
      await addStream(pool, { id: `stream-${n}` })
      await addDeliveries(pool, `stream-${n}`)
    }
    await addStream(pool, { id: 'busy', max_in_flight: 105 })
    await addDeliveries(pool, 'busy', 105)
    for (let pass = 0; pass < 5; pass++) await dispatch(pool)
    expect((await tickets(pool)).length).toBe(140)
    await pool.query(`insert into risc.deliveries (stream_id, jti, txn, event_type, kid, signed_set)
      select 'stream-' || n, 'more-' || n, 'txn', 'https://events.example/changed', 'key-1', 'head.more.' || n
      from generate_series(0, 34) n`)
    await dispatch(pool)
    expect((await tickets(pool)).length).toBe(160)
  })

  test('hands over as many as there is room for, however many streams share it', async ({ database: { pool } }) => {
    await addWorker(pool, { slots: 160 })
    await pool.query(`select setval('risc.lately_in_flight', 50)`)
    for (let n = 0; n < 20; n++) {
      await addStream(pool, { id: `stream-${n}` })
      await addDeliveries(pool, `stream-${n}`, 20)
    }
    expect(await dispatch(pool)).toBe(60) // what was carried of late and a sixteenth of the slots
  })

  test('returns at once when another host has its turn', async ({ database: { pool } }) => {
    const other = await pool.connect()
    try {
      await other.query('begin')
      await other.query('select * from risc.dispatch()')
      expect((await pool.query('select * from risc.dispatch()')).rows).toEqual([])
    } finally {
      await other.query('rollback')
      other.release()
    }
  })
})

describe('the pause after a pass', () => {
  const busy = { idleMs: 0, workers: 1, random: 0.5 }

  test('grows with the fleet, so that many workers ask no more often than one', () => {
    expect(pauseAfterPass({ handed: 0, took_ms: 0 }, busy)).toBe(20)
    expect(pauseAfterPass(undefined, { ...busy, workers: 8 })).toBe(160)
  })

  test('grows when there has been nothing to hand over for a second', () => {
    expect(pauseAfterPass({ handed: 0, took_ms: 0 }, { ...busy, idleMs: 1000 })).toBe(20)
    expect(pauseAfterPass({ handed: 0, took_ms: 0 }, { ...busy, idleMs: 1001 })).toBe(50)
  })

  test('keeps a pass that is dear a small part of the load', () => {
    expect(pauseAfterPass({ handed: 0, took_ms: 100 }, busy)).toBe(400)
  })

  test('is none the longer for what was handed over', () => {
    expect(pauseAfterPass({ handed: 300, took_ms: 30 }, busy)).toBe(20)
    expect(pauseAfterPass({ handed: 100, took_ms: 30 }, busy)).toBe(80)
  })

  test('may be cut short when something was handed over, and not when looking for it was dear', () => {
    expect(goesOn({ handed: 300, took_ms: 40 })).toBe(true)
    expect(goesOn({ handed: 0, took_ms: 2 })).toBe(false)
    expect(goesOn({ handed: 10, took_ms: 40 })).toBe(false)
  })
})
