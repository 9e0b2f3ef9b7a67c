import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createRawServer } from 'node:net'
import { describe, expect, onTestFinished } from 'vitest'
import { until } from '../support/until.ts'
import { addDeliveries, addStream } from './rows.ts'
import { test } from './started-worker.ts'

describe('an accepted delivery', () => {
  test('is the SET byte for byte in one POST of RFC 8935', async ({ database, receiver, start }) => {
    const partner = await receiver()
    await addStream(database.pool, { id: 'a', endpoint_url: partner.url, credential: 'Bearer s3cret' })
    await addDeliveries(database.pool, 'a')
    start()
    const [request] = await partner.received(1)
    expect(request).toMatchObject({
      method: 'POST',
      body: 'head.a.1',
      headers: {
        'content-type': 'application/secevent+jwt',
        accept: 'application/json',
        authorization: 'Bearer s3cret',
        'content-length': '8',
      },
    })
    expect(request?.headers).not.toHaveProperty('accept-encoding')
  })

  test('leaves a proof in history and nothing else anywhere', async ({ database, receiver, start }) => {
    const partner = await receiver()
    await addStream(database.pool, { id: 'a', endpoint_url: partner.url })
    const [jti] = await addDeliveries(database.pool, 'a')
    start()
    const row = await until(async () => (await database.pool.query('select * from risc.history')).rows[0], 'history')
    const connected_to = new URL(partner.url).host
    expect(row).toMatchObject({ jti, stream_id: 'a', outcome: 'accepted', status: 202, connected_to, attempts: 1 })
    const left = await until(async () => {
      const { rows } =
        await database.pool.query(`select (select count(*) from risc.deliveries) + (select count(*) from risc.inflight)
        + (select count(*) from risc_worker.jobs) as rows`)
      return rows[0].rows === '0' ? rows : undefined
    }, 'nothing left')
    expect(left).toHaveLength(1)
  })

  test('is reported in one line without SET, credential or the receiver’s words', async ({
    database,
    receiver,
    start,
  }) => {
    const partner = await receiver(() => ({ status: 400, body: '{"err":"invalid_issuer","description":"plainly no"}' }))
    await addStream(database.pool, {
      id: 'a',
      endpoint_url: `${partner.url}in-the-path`,
      credential: 'Bearer s3cret',
    })
    const [jti] = await addDeliveries(database.pool, 'a')
    const worker = start()
    const line = await until(async () => worker.logged.find((entry) => 'jti' in entry), 'a line')
    expect(line).toMatchObject({
      jti,
      stream_id: 'a',
      event_type: 'https://events.example/changed',
      attempt: 1,
      host: new URL(partner.url).host,
      outcome: 'refused',
      success: false,
      status: 400,
      error: 'invalid_issuer',
      dead_because: 'refused',
    })
    expect(JSON.stringify(worker.logged)).not.toMatch(/head\.a|s3cret|plainly|in-the-path/)
  })

  test('has in its line every field that the README names, and no other', async ({ database, receiver, start }) => {
    const partner = await receiver((_, n) => ({ status: n === 1 ? 500 : 400 }))
    await addStream(database.pool, { id: 'a', endpoint_url: partner.url, retry_delays_ms: [0] })
    await addDeliveries(database.pool, 'a')
    const worker = start()
    const linesOf = (streamId: string, count: number) =>
      until(async () => {
        const lines = worker.logged.filter((entry) => 'jti' in entry && entry['stream_id'] === streamId)
        return lines.length === count ? lines : undefined
      }, `${count} lines of ${streamId}`)
    const [retry, dead] = await linesOf('a', 2)
    await addStream(database.pool, { id: 'b', endpoint_url: partner.url, credential: 'Bearer s3cret' })
    await database.pool.query(`update risc.streams set endpoint_url = 'https://b.example/' where id = 'b'`)
    await addDeliveries(database.pool, 'b')
    const [held] = await linesOf('b', 1)
    const readme = readFileSync(new URL('../../packages/worker/README.md', import.meta.url), 'utf8')
    const [, table = ''] = /## The log\n(.*?)\n##/s.exec(readme) ?? []
    const documented = [...table.matchAll(/^\| `.*?(?= \|)/gm)].flatMap(([cell]) => [...cell.matchAll(/`(\w+)`/g)])
    const pinos = ['level', 'time', 'pid', 'hostname', 'msg']
    expect(new Set([...documented.map(([, name]) => name), ...pinos])).toEqual(
      new Set([...Object.keys(retry ?? {}), ...Object.keys(dead ?? {}), ...Object.keys(held ?? {})]),
    )
    expect([retry, dead, held]).toMatchObject([
      { level: 40, outcome: 'retry', error: 'server_error', next_attempt_in_ms: expect.any(Number) },
      { level: 40, outcome: 'refused', error: 'refused', dead_because: 'refused' },
      { level: 40, outcome: 'hold', error: 'credential_unavailable', cause: 'bound_elsewhere' },
    ])
  })
})

describe('a delivery that is not accepted', () => {
  test('503 keeps the same bytes for later, no sooner than Retry-After', async ({ database, receiver, start }) => {
    const partner = await receiver((_, n) =>
      n < 3 ? { status: 503, headers: { 'retry-after': '1' } } : { status: 202 },
    )
    await addStream(database.pool, { id: 'a', endpoint_url: partner.url, retry_delays_ms: [0] })
    await addDeliveries(database.pool, 'a')
    start()
    const requests = await partner.received(3)
    expect(new Set(requests.map(({ body }) => body))).toEqual(new Set(['head.a.1']))
    const [first = 0, second = 0, third = 0] = requests.map(({ at }) => at)
    expect(second - first).toBeGreaterThanOrEqual(1000)
    expect(third - second).toBeGreaterThanOrEqual(1000)
    const row = await until(
      async () => (await database.pool.query('select attempts from risc.history')).rows[0],
      'history',
    )
    expect(row).toEqual({ attempts: 1 })
  })

  test('is tried as often as its stream allows, always with the same bytes, and then is a dead letter', async ({
    database,
    receiver,
    start,
  }) => {
    const partner = await receiver(() => ({ status: 500 }))
    await addStream(database.pool, { id: 'a', endpoint_url: partner.url, retry_delays_ms: [0, 0] })
    const [jti] = await addDeliveries(database.pool, 'a')
    start()
    const dead = await until(
      async () => (await database.pool.query('select * from risc.dead')).rows[0],
      'a dead letter',
    )
    expect(dead).toMatchObject({ jti, attempts: 3, dead_because: 'exhausted', status: 500, reason: 'server_error' })
    expect(partner.requests.map(({ body }) => body)).toEqual(Array(3).fill('head.a.1'))
  })

  test('a refusal is kept with its reason, and the stream’s next deliveries flow', async ({
    database,
    receiver,
    start,
  }) => {
    const partner = await receiver((_, n) =>
      n === 1 ? { status: 400, body: '{"err":"invalid_audience","description":"not for us"}' } : { status: 202 },
    )
    await addStream(database.pool, { id: 'a', endpoint_url: partner.url, max_in_flight: 1 })
    await addDeliveries(database.pool, 'a', 3)
    start()
    await partner.received(3)
    await until(
      async () => (await database.pool.query('select from risc.history')).rowCount === 2 || undefined,
      'history',
    )
    const { rows } = await database.pool.query('select dead_because, reason, status, description from risc.dead')
    expect(rows).toEqual([
      { dead_because: 'refused', reason: 'invalid_audience', status: 400, description: 'not for us' },
    ])
  })

  test.for([
    [401, 'authentication_failed'],
    [403, 'access_denied'],
    [307, 'redirected'],
  ] as const)(
    '%i waits without spending an attempt, and is never followed',
    async ([status, reason], { database, receiver, start }) => {
      const elsewhere = await receiver()
      const partner = await receiver(() => ({ status, headers: { location: elsewhere.url } }))
      await addStream(database.pool, { id: 'a', endpoint_url: partner.url })
      await addDeliveries(database.pool, 'a')
      start()
      const row = await until(
        async () => (await database.pool.query('select * from risc.pending where last_reason is not null')).rows[0],
        'an outcome',
      )
      expect(row).toMatchObject({ state: 'queued', attempts: 0, last_reason: reason, last_status: status })
      expect(elsewhere.requests).toEqual([])
    },
  )

  test('410 pauses the stream with that reason and keeps what waits', async ({ database, receiver, start }) => {
    const partner = await receiver(() => ({ status: 410 }))
    await addStream(database.pool, { id: 'a', endpoint_url: partner.url, max_in_flight: 1 })
    await addDeliveries(database.pool, 'a', 3)
    start()
    const health = await until(
      async () => (await database.pool.query(`select * from risc.stream_health where status = 'paused'`)).rows[0],
      'a paused stream',
    )
    expect(health).toMatchObject({ status_reason: 'receiver_gone', queued: '3', dead: '0' })
    expect(partner.requests).toHaveLength(1)
  })

  test('an address that may not be pushed to pauses the stream, and nothing is sent', async ({
    database,
    receiver,
    start,
  }) => {
    const partner = await receiver()
    await addStream(database.pool, { id: 'a', endpoint_url: partner.url })
    await addDeliveries(database.pool, 'a')
    start({ allowLoopback: false })
    await until(
      async () =>
        (await database.pool.query(`select from risc.streams where status_reason = 'url_not_allowed'`)).rowCount ||
        undefined,
      'a paused stream',
    )
    expect(partner.requests).toEqual([])
  })

  test.for([
    ['hang', 'timeout'],
    ['reset', 'connection_lost'],
  ] as const)(
    'a receiver that answers with a %s costs its own time and no more',
    async ([trouble, reason], { database, receiver, start }) => {
      const broken = await receiver(() => trouble)
      const healthy = await receiver()
      await addStream(database.pool, { id: 'broken', endpoint_url: broken.url, timeout_ms: 300, max_in_flight: 5 })
      await addStream(database.pool, { id: 'healthy', endpoint_url: healthy.url })
      await addDeliveries(database.pool, 'broken', 50)
      await addDeliveries(database.pool, 'healthy', 50)
      start()
      await healthy.received(50)
      const row = await until(
        async () => (await database.pool.query(`select * from risc.pending where last_reason is not null`)).rows[0],
        'an outcome',
      )
      expect(row).toMatchObject({ stream_id: 'broken', attempts: 1, last_reason: reason, last_status: null })
    },
  )

  test('what is older than its stream allows is given up, not sent', async ({ database, receiver, start }) => {
    const partner = await receiver()
    await addStream(database.pool, { id: 'a', endpoint_url: partner.url, max_age: '1 hour' })
    const [old, fresh] = await addDeliveries(database.pool, 'a', 2)
    await database.pool.query(`update risc.deliveries set created_at = now() - interval '61 min' where jti = $1`, [old])
    start()
    await until(
      async () => (await database.pool.query('select from risc.history where jti = $1', [fresh])).rowCount || undefined,
      'history',
    )
    const dead = await until(
      async () => (await database.pool.query('select * from risc.dead')).rows[0],
      'a dead letter',
    )
    expect(dead).toMatchObject({ jti: old, attempts: 0, dead_because: 'expired' })
    expect(partner.requests).toHaveLength(1)
  })

  test('a kept connection that the receiver closes at the next request costs no attempt', async ({
    database,
    start,
  }) => {
    const server = createRawServer((socket) => {
      let requests = 0
      socket
        .on('error', () => undefined)
        .on('data', () => {
          if (++requests > 1) socket.resetAndDestroy()
          else socket.write('HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n')
        })
    })
    onTestFinished(() => void server.close())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    await addStream(database.pool, { id: 'a', endpoint_url: `http://127.0.0.1:${port}/`, max_in_flight: 1 })
    await addDeliveries(database.pool, 'a', 2)
    start()
    const rows = await until(async () => {
      const { rows } = await database.pool.query('select attempts from risc.history')
      return rows.length === 2 ? rows : undefined
    }, 'history')
    expect(rows).toEqual([{ attempts: 1 }, { attempts: 1 }])
  })

  test.for([
    ['the worker stops', { timeout_ms: 60_000 }, { state: 'queued', attempts: 0, last_reason: null }],
    ['the time is up', { timeout_ms: 400 }, { state: 'queued', attempts: 1, last_reason: 'timeout' }],
  ] as const)(
    'a 400 whose body is still to come when %s is no refusal',
    async ([when, stream, expected], { database, start }) => {
      const { promise: answered, resolve } = Promise.withResolvers<void>()
      const server = createServer((_, response) => {
        response.writeHead(400, { 'content-type': 'application/json' }).write('{"err":')
        resolve()
      })
      onTestFinished(() => {
        server.close()
        server.closeAllConnections()
      })
      await once(server.listen(0, '127.0.0.1'), 'listening')
      const { port } = server.address() as AddressInfo
      await addStream(database.pool, { id: 'a', endpoint_url: `http://127.0.0.1:${port}/`, ...stream })
      await addDeliveries(database.pool, 'a')
      const worker = start({ shutdownMs: 100 })
      await answered
      if (when === 'the worker stops') await worker.stop()
      const row = await until(async () => {
        const { rows } = await database.pool.query('select * from risc.pending')
        return rows[0]?.state === 'queued' ? rows[0] : undefined
      }, 'a delivery that waits')
      expect(row).toMatchObject(expected)
    },
  )

  test('a receiver that drips the body of its 202 is done with before its time is up', async ({ database, start }) => {
    const server = createServer((_, response) => {
      response.writeHead(202)
      const drip = setInterval(() => response.write('x'), 20)
      response.on('close', () => clearInterval(drip))
    })
    onTestFinished(() => {
      server.close()
      server.closeAllConnections()
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    await addStream(database.pool, { id: 'a', endpoint_url: `http://127.0.0.1:${port}/`, timeout_ms: 60_000 })
    await addDeliveries(database.pool, 'a')
    start()
    const row = await until(async () => (await database.pool.query('select * from risc.history')).rows[0], 'history')
    expect(row).toMatchObject({ outcome: 'accepted', status: 202 })
  })

  test('of an endless answer only the beginning is read', async ({ database, start }) => {
    let written = 0
    const server = createServer((_, response) => {
      response.writeHead(202)
      const pour = () => {
        while (response.write('x'.repeat(65_536)));
      }
      pour()
      response.on('drain', pour)
      response.on('close', () => {
        written = response.socket?.bytesWritten ?? 0
      })
    })
    onTestFinished(() => void server.close())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    await addStream(database.pool, { id: 'a', endpoint_url: `http://127.0.0.1:${port}/`, timeout_ms: 60_000 })
    await addDeliveries(database.pool, 'a')
    start()
    const row = await until(async () => (await database.pool.query('select * from risc.history')).rows[0], 'history')
    expect(row).toMatchObject({ outcome: 'accepted', status: 202 })
    const poured = await until(async () => written || undefined, 'a closed connection')
    expect(poured).toBeLessThan(10_000_000) // what the system's buffers take
  })
})
