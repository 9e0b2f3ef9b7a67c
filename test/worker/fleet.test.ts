import { describe, expect } from 'vitest'
import { until } from '../support/until.ts'
import { addDeliveries, addStream } from './rows.ts'
import { test } from './started-worker.ts'

describe('workers', () => {
  test('together send each SET once', async ({ database, receiver, start }) => {
    const partner = await receiver()
    for (const id of ['a', 'b', 'c']) {
      await addStream(database.pool, { id, endpoint_url: partner.url })
      await addDeliveries(database.pool, id, 200)
    }
    start({ name: 'one' })
    start({ name: 'two' })
    await partner.received(600)
    await until(
      async () => (await database.pool.query('select from risc.history')).rowCount === 600 || undefined,
      'history',
    )
    expect(new Set(partner.requests.map(({ body }) => body)).size).toBe(600)
    expect(partner.requests).toHaveLength(600)
  })

  test('have no more than a stream’s window under way, over all of them', async ({ database, receiver, start }) => {
    const partner = await receiver(() => ({ status: 202, delayMs: 20 }))
    await addStream(database.pool, { id: 'a', endpoint_url: partner.url, max_in_flight: 4 })
    await addDeliveries(database.pool, 'a', 60)
    start({ name: 'one' })
    start({ name: 'two' })
    const arrivals = (await partner.received(60)).map(({ at }) => at)
    const fourBefore = arrivals.slice(4).map((at, index) => at - (arrivals[index] ?? at))
    expect(Math.min(...fourBefore)).toBeGreaterThanOrEqual(19) // each takes 20 ms, so a fifth would have come sooner
  })

  test('serve a quiet stream while others hang in all the slots they may have', async ({
    database,
    receiver,
    start,
  }) => {
    const hanging = await receiver(() => 'hang')
    const quiet = await receiver()
    for (let n = 1; n <= 12; n++) {
      await addStream(database.pool, { id: `hang-${n}`, endpoint_url: hanging.url, timeout_ms: 60_000, unproven: true })
      await addDeliveries(database.pool, `hang-${n}`, 100)
    }
    await addStream(database.pool, { id: 'quiet', endpoint_url: quiet.url })
    start({ concurrency: 20, shutdownMs: 0 })
    await hanging.received(10)
    await addDeliveries(database.pool, 'quiet', 100)
    await quiet.received(100)
    expect(hanging.requests).toHaveLength(10)
  })

  test('survive the loss of every connection and lose nothing', async ({ database, receiver, start }) => {
    const partner = await receiver(() => ({ status: 202, delayMs: 5 }))
    await addStream(database.pool, { id: 'a', endpoint_url: partner.url, max_in_flight: 10 })
    const jtis = await addDeliveries(database.pool, 'a', 300)
    start()
    for (const enough of [50, 150]) {
      await partner.received(enough)
      await database.pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'risc-worker%'`,
      )
    }
    await until(
      async () => (await database.pool.query('select from risc.history')).rowCount === 300 || undefined,
      'history',
    )
    const { rows } = await database.pool.query('select jti from risc.history')
    expect(new Set(rows.map(({ jti }) => jti))).toEqual(new Set(jtis))
  })

  test('refuse to start against a schema they do not know', async ({ database, start }) => {
    await database.pool.query(`delete from risc.migrations where name = (select max(name) from risc.migrations)`)
    const worker = start()
    await expect(worker.stopped).rejects.toMatchObject({ code: 'ERR_RISC_UNKNOWN_SCHEMA' })
  })

  test('take a new stream and a changed address without a restart', async ({ database, receiver, start }) => {
    const [first, second] = [await receiver(), await receiver()]
    start()
    await addStream(database.pool, { id: 'a', endpoint_url: first.url })
    await addDeliveries(database.pool, 'a')
    await first.received(1)
    await database.pool.query('update risc.streams set endpoint_url = $1', [second.url])
    await addDeliveries(database.pool, 'a')
    await second.received(1)
    expect(first.requests).toHaveLength(1)
  })
})

describe('a worker that stops', () => {
  test('finishes what is under way and settles it', async ({ database, receiver, start }) => {
    const partner = await receiver(() => ({ status: 202, delayMs: 300 }))
    await addStream(database.pool, { id: 'a', endpoint_url: partner.url })
    await addDeliveries(database.pool, 'a', 10)
    const worker = start()
    await partner.received(10)
    await worker.stop()
    const { rows } = await database.pool.query(`select (select count(*) from risc.history)::integer as accepted,
      (select count(*) from risc.inflight)::integer as out, (select count(*) from risc.workers)::integer as workers`)
    expect(rows).toEqual([{ accepted: 10, out: 0, workers: 0 }])
  })

  test('hands back what a receiver does not let it finish, at no cost', async ({ database, receiver, start }) => {
    const partner = await receiver(() => 'hang')
    await addStream(database.pool, { id: 'a', endpoint_url: partner.url, timeout_ms: 60_000 })
    await addDeliveries(database.pool, 'a', 5)
    const worker = start({ shutdownMs: 100 })
    await partner.received(5)
    await worker.stop()
    const { rows } = await database.pool.query('select state, attempts, last_reason from risc.pending')
    expect(rows).toEqual(Array(5).fill({ state: 'queued', attempts: 0, last_reason: null }))
  })

  test('leaves no job locked and no delivery out, with a backlog before it', async ({ database, receiver, start }) => {
    const partner = await receiver(() => ({ status: 202, delayMs: 10 }))
    await addStream(database.pool, { id: 'a', endpoint_url: partner.url, max_in_flight: 1000 })
    await addDeliveries(database.pool, 'a', 2000)
    const worker = start()
    await partner.received(100)
    await worker.stop()
    const { rows } = await database.pool.query(`select
      (select count(*) from risc.inflight where worker_id is not null)::integer as claimed,
      (select count(*) from risc_worker.jobs where locked_by is not null)::integer as locked,
      (select count(*) from risc.deliveries)::integer + (select count(*) from risc.history)::integer as total`)
    expect(rows).toEqual([{ claimed: 0, locked: 0, total: 2000 }])
    expect(worker.logged.filter(({ msg }) => msg === 'graphile-worker complained')).toEqual([])
  })
})
