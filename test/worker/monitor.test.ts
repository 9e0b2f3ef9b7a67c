import { startPostgres } from 'example-local-postgres'
import { pino } from 'pino'
import { describe, expect } from 'vitest'
import { migrate } from '../../packages/worker/src/migrate.ts'
import { startRunner } from '../../packages/worker/src/runner.ts'
import { until } from '../support/until.ts'
import { addDeliveries, addStream } from './rows.ts'
import { test } from './started-worker.ts'
import { HTTP, type WatchedWorker, watch } from './watched-worker.ts'

/** Waits until a page has that status. Returns what it says. */
function turned(worker: WatchedWorker, path: '/livez' | '/readyz', status: number, withinMs?: number) {
  return until(
    async () => {
      const page = await worker.get(path)
      return page.status === status ? page.body : undefined
    },
    `${path} to be ${status}`,
    withinMs,
  )
}

const claimAge = async (worker: WatchedWorker): Promise<number> =>
  (await worker.scrape()).get('risc_worker_progress_age_seconds{loop="claim"}') ?? 0

describe('/livez', () => {
  test('is red within 10 s when fetches hang though the database answers, and green when they go on', async ({
    database,
    start,
  }) => {
    const worker = await watch(start({ http: HTTP }))
    await turned(worker, '/readyz', 200)
    const client = await database.pool.connect()
    try {
      await client.query('begin; lock table risc_worker._private_jobs in access exclusive mode')
      const { stuck } = await turned(worker, '/livez', 503, 10_000)
      expect(stuck).toEqual([{ loop: 'claim', for_seconds: expect.any(Number) }])
      await client.query('rollback')
      expect(await turned(worker, '/livez', 200)).toEqual({ ok: true, stuck: [] })
    } finally {
      client.release()
    }
  })

  test('is red within 10 s when the runner has ended and none can be started', async ({ database, start }) => {
    const worker = await watch(start({ http: HTTP }))
    await turned(worker, '/readyz', 200)
    await database.query('alter table risc_worker._private_jobs rename column run_at to is_gone')
    expect(await turned(worker, '/livez', 503, 10_000)).toMatchObject({ stuck: [{ loop: 'claim' }] })
  })

  test('stays green while the database is away, and /readyz is red', async ({ start }) => {
    const postgres = await startPostgres({ settings: { fsync: 'off' } })
    try {
      await migrate(postgres.url)
      const worker = start({ databaseUrl: postgres.url, http: HTTP, shutdownMs: 0 })
      const watched = await watch(worker)
      await turned(watched, '/readyz', 200)
      await postgres.stop()
      expect(await turned(watched, '/readyz', 503)).toEqual({ ok: false, obstacles: ['the database does not answer'] })
      await until(async () => (await claimAge(watched)) > 12 || undefined, 'the claim loop to stand still for 12 s')
      expect(await watched.get('/livez')).toEqual({ status: 200, body: { ok: true, stuck: [] } })
      await worker.stop().catch(() => undefined)
    } finally {
      await postgres.stop()
    }
  })
})

test('a runner whose slots are all taken makes progress without a fetch', async ({ database }) => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  let busy = 0
  let fetches = 0
  const runner = startRunner({
    databaseUrl: database.url,
    slots: 1,
    deliver() {
      busy++
      return released
    },
    onFetch: () => void fetches++,
    onNamed: () => undefined,
    log: pino({ level: 'silent' }),
  })
  try {
    await database.query(`select risc_worker.add_job('risc.deliver', to_json(array[n])) from generate_series(1, 10) n`)
    await until(async () => busy === 2 || undefined, 'both jobs that a slot may have')
    await database.query('alter table risc_worker._private_jobs rename to is_gone') // a fetch would fail
    const before = fetches
    await until(async () => fetches > before + 3 || undefined, 'progress')
  } finally {
    await database.query('alter table risc_worker.is_gone rename to _private_jobs')
    release()
    await runner.retire(1000)
  }
})

describe('/readyz', () => {
  test('is red while the schema is not this version’s', async ({ database, start }) => {
    const worker = await watch(start({ http: HTTP }))
    await turned(worker, '/readyz', 200)
    await database.query(`insert into risc.migrations values ('9999_from_the_future', now()::text)`)
    const { obstacles } = await turned(worker, '/readyz', 503)
    expect(obstacles).toEqual([expect.stringContaining('9999_from_the_future')])
  })

  test('is green where another worker dispatches, and red when nobody does', async ({ database, start }) => {
    const workers = await Promise.all(['one', 'two'].map((name) => watch(start({ name, http: HTTP }))))
    for (const worker of workers) await turned(worker, '/readyz', 200)
    await database.query('alter function risc.dispatch rename to is_gone')
    for (const worker of workers) {
      const { obstacles } = await turned(worker, '/readyz', 503)
      expect(obstacles).toEqual([expect.stringMatching(/^no worker has dispatched for \d+/)])
    }
  })

  test('is red as soon as a worker stops, and /livez green until it is gone', async ({ database, receiver, start }) => {
    const partner = await receiver(() => 'hang')
    await addStream(database.pool, { id: 'a', endpoint_url: partner.url, timeout_ms: 60_000 })
    await addDeliveries(database.pool, 'a')
    const worker = start({ http: HTTP, shutdownMs: 60_000 })
    const watched = await watch(worker)
    await partner.received(1)
    const stopped = worker.stop()
    expect(await watched.get('/readyz')).toEqual({ status: 503, body: { ok: false, obstacles: ['stopping'] } })
    expect(await watched.get('/livez')).toMatchObject({ status: 200 })
    await partner.close()
    await stopped
    await expect(watched.get('/livez')).rejects.toThrow()
  })
})

test('a worker that cannot listen where it is told to does not start', async ({ start }) => {
  const { url } = await watch(start({ http: HTTP }))
  const worker = start({ http: { host: '127.0.0.1', port: Number(new URL(url).port) } })
  await expect(worker.stopped).rejects.toMatchObject({
    code: 'ERR_RISC_ADDRESS_UNAVAILABLE',
    message: expect.stringContaining('EADDRINUSE'),
  })
})
