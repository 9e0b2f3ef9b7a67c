import { readFileSync } from 'node:fs'
import { Registry } from 'prom-client'
import { describe, expect } from 'vitest'
import { until } from '../support/until.ts'
import { addDeliveries, addStream } from './rows.ts'
import { test } from './started-worker.ts'
import { HTTP, readSamples, type WatchedWorker, watch } from './watched-worker.ts'

/** Waits until `/metrics` has that value. Returns all samples of the moment. */
function reads(worker: WatchedWorker, sample: string, value: number): Promise<ReadonlyMap<string, number>> {
  return until(async () => {
    const samples = await worker.scrape()
    return samples.get(sample) === value ? samples : undefined
  }, `${sample} to be ${value}`)
}

/** The metrics of this project that a scrape has, as its TYPE lines name them. */
async function namesServed(worker: WatchedWorker): Promise<string[]> {
  const text = await (await fetch(`${worker.url}/metrics`)).text()
  return [...text.matchAll(/^# TYPE (risc_\w+) /gm)].map(([, name = '']) => name).sort()
}

describe('/metrics', () => {
  test('tells of each attempt what it meant, how long it took and how late it was', async ({
    database,
    receiver,
    start,
  }) => {
    const good = await receiver((_, n) => ({ status: n === 1 ? 503 : 202 }))
    const bad = await receiver(() => ({ status: 400, body: '{"err":"invalid_audience"}' }))
    await addStream(database.pool, { id: 'good', endpoint_url: good.url, retry_delays_ms: [0] })
    await addStream(database.pool, { id: 'bad', endpoint_url: bad.url })
    await addDeliveries(database.pool, 'good')
    await addDeliveries(database.pool, 'bad', 2)
    const worker = await watch(start({ http: HTTP }))
    await reads(worker, 'risc_attempts_total{stream_id="bad",outcome="refused",reason="invalid_audience"}', 2)
    const samples = await reads(worker, 'risc_attempts_total{stream_id="good",outcome="accepted",reason=""}', 1)
    expect(Object.fromEntries(samples)).toMatchObject({
      'risc_attempts_total{stream_id="good",outcome="retry",reason="server_error"}': 1,
      'risc_request_duration_seconds_count{stream_id="good"}': 2,
      'risc_request_duration_seconds_count{stream_id="bad"}': 2,
      'risc_delivery_lag_seconds_count{stream_id="good"}': 1,
      risc_accepted_delivery_attempts_sum: 2,
      risc_accepted_delivery_attempts_count: 1,
      risc_dispatched_total: 4,
      risc_worker_in_flight: 0,
      risc_worker_slots: 20,
      risc_worker_live: 1,
    })
    expect(samples.has('risc_delivery_lag_seconds_count{stream_id="bad"}')).toBe(false)
    for (const statement of ['claim', 'settle']) {
      expect(samples.get(`risc_batch_size_sum{statement="${statement}"}`)).toBe(4)
      expect(samples.get(`risc_statement_duration_seconds_count{statement="${statement}"}`)).toBeGreaterThan(0)
    }
    expect(samples.get('risc_dispatch_duration_seconds_count')).toBeGreaterThan(0)
    expect(samples.get('process_cpu_seconds_total')).toBeGreaterThan(0)
  })

  test('shows what waits, the same on every worker', async ({ database, receiver, start }) => {
    const partner = await receiver(() => 'hang')
    await addStream(database.pool, { id: 'a', endpoint_url: partner.url, max_in_flight: 3, timeout_ms: 60_000 })
    await addStream(database.pool, { id: 'gone', endpoint_url: partner.url, status: 'paused' })
    await addDeliveries(database.pool, 'a', 10)
    await addDeliveries(database.pool, 'gone', 5)
    await database.query('update risc.flow set certificate_expires_at = to_timestamp(2e9)')
    const workers = ['one', 'two'].map((name) => start({ name, http: HTTP, shutdownMs: 0 }))
    await partner.received(3)
    for (const worker of workers) {
      const samples = await reads(await watch(worker), 'risc_stream_queued{stream_id="a"}', 7)
      expect(Object.fromEntries(samples)).toMatchObject({
        'risc_stream_dispatched{stream_id="a"}': 3,
        'risc_stream_queued{stream_id="gone"}': 5,
        'risc_stream_window{stream_id="a"}': 3,
        'risc_stream_certificate_expiry_timestamp_seconds{stream_id="a"}': 2e9,
        'risc_stream_status{stream_id="gone",status="paused",reason=""}': 1,
        risc_workers: 2,
        risc_slots: 40,
      })
      expect(samples.get('risc_stream_oldest_due_age_seconds{stream_id="gone",status="paused"}')).toBeGreaterThan(0)
      expect(samples.has('risc_stream_certificate_expiry_timestamp_seconds{stream_id="gone"}')).toBe(false)
    }
  })

  test('has no value from rows while the database is away, and goes on with its own', async ({ start }) => {
    const worker = await watch(start({ databaseUrl: 'postgres://nobody@127.0.0.1:1/none', http: HTTP }))
    const samples = await worker.scrape()
    expect([...samples.keys()].filter((sample) => /^risc_(stream|workers|slots|oldest|rows)/.test(sample))).toEqual([])
    expect(samples.get('risc_worker_slots')).toBe(20)
    expect(samples.get('risc_worker_ready')).toBe(0)
  })

  test('names no more streams than it is told to, and nobody’s address, jti or reason', async ({
    database,
    receiver,
    start,
  }) => {
    const partner = await receiver(() => ({ status: 400, body: '{"err":"jane@example.com","description":"secret"}' }))
    const jtis: string[] = []
    for (const id of ['a', 'b', 'c', 'd']) {
      await addStream(database.pool, { id, endpoint_url: `${partner.url}token` })
      jtis.push(...(await addDeliveries(database.pool, id, 3)))
    }
    const worker = await watch(start({ http: HTTP, metricsStreams: 2 }))
    await partner.received(12)
    await reads(worker, 'risc_stream_dead_letters{stream_id="(other)"}', 6)
    const text = await (await fetch(`${worker.url}/metrics`)).text()
    for (const metric of ['risc_attempts_total', 'risc_stream_queued']) {
      const named = [...text.matchAll(new RegExp(`^${metric}\\{stream_id="([^"]+)"`, 'gm'))]
      expect(new Set(named.map(([, stream]) => stream)).size, metric).toBe(3)
    }
    expect(readSamples(text).get('risc_stream_status{stream_id="(other)",status="enabled",reason=""}')).toBe(2)
    for (const secret of [...jtis, 'jane', 'secret', 'token', '127.0.0.1']) expect(text).not.toContain(secret)
  })

  test('is what the README says, metric by metric', async ({ start }) => {
    const readme = readFileSync(new URL('../../packages/worker/README.md', import.meta.url), 'utf8')
    const [, table = ''] = /### Metrics\n(.*?)\n##/s.exec(readme) ?? []
    const documented = [...table.matchAll(/^\| `risc_.*?(?= \|)/gm)].flatMap(([cell]) => cell.match(/risc_\w+/g)).sort()
    expect(documented).toEqual(await namesServed(await watch(start({ http: HTTP }))))
  })
})

test('a program with a registry of its own gets the worker’s metrics in it, and no server', async ({
  database,
  start,
}) => {
  await addStream(database.pool, { id: 'a' })
  const registry = new Registry()
  const worker = start({}, { registry })
  await until(
    async () => (readSamples(await registry.metrics()).get('risc_worker_ready') === 1 ? true : undefined),
    'it',
  )
  const samples = readSamples(await registry.metrics())
  expect(samples.get('risc_stream_queued{stream_id="a"}')).toBe(0)
  expect([...samples.keys()].filter((sample) => sample.startsWith('process_'))).toEqual([])
  expect(worker.logged.filter(({ msg }) => msg === 'serving health and metrics')).toEqual([])
})
