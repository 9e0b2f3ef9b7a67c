import type { Pool } from 'pg'
import { Registry } from 'prom-client'
import { describe, expect } from 'vitest'
import type { ReceivedRequest } from '../support/receiver.ts'
import { until } from '../support/until.ts'
import { runCommand } from './cli/command.ts'
import { everyColumn } from './cli/every-column.ts'
import { addDeliveries, addStream, type StreamRow, setCredential } from './rows.ts'
import { test } from './started-worker.ts'

const SECRET = 'cl1ent-s3cret'

/** A stream whose receiver wants access tokens. */
function addTokenStream(pool: Pool, tokenEndpoint: string, stream: Partial<StreamRow> = {}): Promise<void> {
  const token_request = {
    token_endpoint: tokenEndpoint,
    client_id: 'risc',
    client_authentication: 'client_secret_basic',
  }
  return addStream(pool, {
    id: 'a',
    credential: SECRET,
    token_request: JSON.stringify(token_request),
    ...stream,
  })
}

const issue = (token: string, more: object = {}) => ({
  status: 200,
  body: JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 3600, ...more }),
})

const accepted = (pool: Pool, count: number): Promise<unknown> =>
  until(async () => {
    const { rows } = await pool.query('select count(*)::int as count from risc.history')
    return rows[0].count === count || undefined
  }, `${count} accepted deliveries`)

const bearers = (requests: readonly ReceivedRequest[]) => requests.map(({ headers }) => headers.authorization)

describe('a stream with OAuth 2.0 client credentials', () => {
  test('sends each SET with an access token, got once for a thousand deliveries that start at once', async ({
    database: { pool },
    receiver,
    start,
  }) => {
    const login = await receiver(() => ({ ...issue('t1'), delayMs: 100 }))
    const partner = await receiver()
    // A busy machine takes longer than the default, and what comes too late is sent again.
    await addTokenStream(pool, login.url, { endpoint_url: partner.url, max_in_flight: 200, timeout_ms: 60_000 })
    await addDeliveries(pool, 'a', 1000)
    start({ concurrency: 400 })
    await accepted(pool, 1000)
    expect(new Set(bearers(partner.requests))).toEqual(new Set(['Bearer t1']))
    expect(partner.requests).toHaveLength(1000)
    expect(bearers(login.requests)).toEqual([`Basic ${btoa(`risc:${SECRET}`)}`])
  })

  test('gets another token when the receiver does not take a kept one, once, and sends again in the same attempt', async ({
    database: { pool },
    receiver,
    start,
  }) => {
    const login = await receiver((_, n) => issue(`t${n}`))
    let valid = 'Bearer t1'
    const partner = await receiver(({ headers }) => ({ status: headers.authorization === valid ? 202 : 401 }))
    await addTokenStream(pool, login.url, { endpoint_url: partner.url })
    await addDeliveries(pool, 'a')
    start()
    await accepted(pool, 1)
    valid = 'Bearer t2'
    await addDeliveries(pool, 'a')
    await accepted(pool, 2)
    expect(bearers(partner.requests)).toEqual(['Bearer t1', 'Bearer t1', 'Bearer t2'])
    expect((await pool.query('select attempts from risc.history')).rows).toEqual([{ attempts: 1 }, { attempts: 1 }])

    valid = 'none at all'
    await addDeliveries(pool, 'a')
    const flow = await openBreaker(pool)
    expect(flow).toEqual({ open_because: 'authentication_failed' })
    expect(bearers(partner.requests).slice(3)).toEqual(['Bearer t2', 'Bearer t3'])
    expect(login.requests).toHaveLength(3)
  })

  test('waits until somebody mends a client that is refused, and no attempt is counted', async ({
    database: { pool },
    receiver,
    start,
  }) => {
    const login = await receiver(() => ({
      status: 401,
      body: JSON.stringify({ error: 'invalid_client', error_description: `${SECRET} is wrong` }),
    }))
    const partner = await receiver()
    await addTokenStream(pool, login.url, { endpoint_url: partner.url, max_in_flight: 500 })
    await addDeliveries(pool, 'a', 300)
    const { logged } = start({ concurrency: 400 })
    expect(await openBreaker(pool)).toEqual({ open_because: 'token_refused' })
    const { rows } = await pool.query('select reason, counted, status, description from risc.attempts limit 1')
    expect(rows).toEqual([{ reason: 'token_refused', counted: false, status: null, description: 'invalid_client' }])
    expect(partner.requests).toEqual([])

    login.respond = () => issue('t')
    const known = login.requests.length
    await setCredential(pool, 'a', 'another-secret')
    await pool.query('update risc.deliveries set due_at = now()')
    await accepted(pool, 300)
    expect(login.requests).toHaveLength(known + 1)
    expect(known).toBeLessThan(5)
    const { rows: attempts } = await pool.query('select distinct attempts from risc.history')
    expect(attempts).toEqual([{ attempts: 1 }])
    expect(JSON.stringify(logged)).not.toMatch(/s3cret|another-secret|Bearer|Basic/)
  })

  test('loses no attempt and no part of its window to a token endpoint that is down, and goes on when it is up', async ({
    database: { pool },
    receiver,
    start,
  }) => {
    const login = await receiver(() => 'reset')
    const partner = await receiver()
    await addTokenStream(pool, login.url, { endpoint_url: partner.url, retry_delays_ms: [0, 0] })
    await addDeliveries(pool, 'a', 20)
    start()
    const reason = await until(
      async () => (await pool.query('select distinct reason, counted, description from risc.attempts')).rows[0],
      'an attempt',
    )
    expect(reason).toEqual({ reason: 'token_unavailable', counted: false, description: 'connection_lost' })
    const { rows } = await pool.query(
      'select sum(attempts)::int as attempts, (select ramp from risc.flow) as ramp from risc.deliveries',
    )
    expect(rows).toEqual([{ attempts: 0, ramp: 10_000 }])
    login.respond = () => issue('t')
    const { rowCount } = await until(async () => {
      await pool.query(`select risc.probe('a')`)
      const history = await pool.query('select from risc.history')
      return history.rowCount === 20 ? history : undefined
    }, '20 accepted deliveries')
    expect(rowCount).toBe(20)
    expect(new Set(bearers(partner.requests))).toEqual(new Set(['Bearer t']))
  })

  test('is handed back at no cost by a worker that stops while it waits for a token', async ({
    database: { pool },
    receiver,
    start,
  }) => {
    const login = await receiver(() => 'hang')
    await addTokenStream(pool, login.url, { timeout_ms: 60_000 })
    await addDeliveries(pool, 'a')
    const worker = start({ shutdownMs: 0 })
    await login.received(1)
    await worker.stop()
    const { rows } = await pool.query(`
      select d.state, d.attempts, (select count(*)::int from risc.inflight) + (select count(*)::int from risc.attempts) as traces
      from risc.deliveries d`)
    expect(rows).toEqual([{ state: 'queued', attempts: 0, traces: 0 }])
  })

  test('is paused when its token endpoint leads where nothing may be sent, and the reason says which it is', async ({
    database: { pool },
    receiver,
    start,
  }) => {
    const partner = await receiver()
    await addTokenStream(pool, 'https://10.1.2.3/token', { endpoint_url: partner.url })
    await addDeliveries(pool, 'a')
    start()
    const paused = await until(
      async () => (await pool.query(`select status_reason from risc.streams where status = 'paused'`)).rows[0],
      'a paused stream',
    )
    expect(paused).toEqual({ status_reason: 'token_address_private' })
    expect(partner.requests).toEqual([])
  })
})

test('neither a client’s secret nor an access token reaches any table, log line, metric or command', async ({
  database: { pool, url },
  receiver,
  start,
}) => {
  const token = 'acc3ss'
  const login = await receiver(() => issue(token))
  const partner = await receiver(({ headers }) => ({
    status: 400,
    body: JSON.stringify({ err: 'invalid_request', description: `not by ${headers.authorization}` }),
  }))
  await addTokenStream(pool, login.url, { endpoint_url: partner.url })
  const [refused = ''] = await addDeliveries(pool, 'a')
  const registry = new Registry()
  const { logged } = start({}, { registry })
  await until(async () => (await pool.query('select from risc.dead')).rowCount === 1 || undefined, 'a dead letter')
  login.respond = ({ headers, body }) => ({
    status: 400,
    body: JSON.stringify({ error: 'invalid_scope', error_description: `${headers.authorization} ${body} ${SECRET}` }),
  })
  await pool.query(`update risc.streams set timeout_ms = 2000`) // so that another token is needed
  const [held = ''] = await addDeliveries(pool, 'a')
  expect(await openBreaker(pool)).toEqual({ open_because: 'token_refused' })

  const env = { DATABASE_URL: url, RISC_ALLOW_LOOPBACK: 'true' }
  const commands = [
    ['status'],
    ['list'],
    ['list', '--state', 'dead'],
    ['check'],
    ['stream', 'list'],
    ['stream', 'show', 'a'],
  ]
  const said = [JSON.stringify(logged), await registry.metrics()]
  for (const command of [
    ...commands,
    ...[refused, held].flatMap((jti) => [
      ['show', jti],
      ['why', jti],
    ]),
  ]) {
    for (const argv of [command, [...command, '--json']]) said.push(JSON.stringify(await runCommand(argv, env)))
  }
  const tables = new Map(await everyColumn(pool))
  said.push(...[...tables.values()].flat())
  expect(said.join()).toMatch(/token_refused[\s\S]*invalid_scope/)
  expect(said.filter((text) => new RegExp(`${SECRET}|${token}|${btoa(`risc:${SECRET}`)}`).test(text))).toEqual([])
})

async function openBreaker(pool: Pool): Promise<object> {
  return until(
    async () => (await pool.query('select open_because from risc.flow where open_until is not null')).rows[0],
    'an open breaker',
  )
}
