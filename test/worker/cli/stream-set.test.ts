import type { Pool } from 'pg'
import { expect } from 'vitest'
import { until } from '../../support/until.ts'
import { addDeliveries, addStream, addWorker, dispatch, openStored } from '../rows.ts'
import { test } from '../started-worker.ts'
import { TEST_KEY_SET } from '../test-keys.ts'
import { runCommand, runJson } from './command.ts'

const URL_A = 'https://partner-a.example/events'

test('stream set changes what it is given and nothing else, and prints old and new', async ({
  database: { pool, url },
}) => {
  await addStream(pool, { id: 'partner-a', endpoint_url: URL_A, rate_limit: 1000 })
  await addStream(pool, { id: 'partner-b' })
  const others = async () => (await pool.query(`select * from risc.streams where id = 'partner-b'`)).rows
  const before = await others()
  const options = [
    ...['--events', 'account-disabled,https://a.example/own', '--ordering', 'none', '--max-in-flight', '7'],
    ...['--rate-interval', '90s', '--retry-delays', 'none', '--max-age', '3d'],
  ]
  expect(await runCommand(['stream', 'set', 'partner-a', ...options], { DATABASE_URL: url })).toEqual({
    code: 0,
    stdout: [
      'SETTING        BEFORE         AFTER',
      'events         all            account-disabled,https://a.example/own',
      'ordering       subject        none',
      'max-in-flight  50             7',
      'rate-interval  1m             90s',
      'retry-delays   10s,1m,10m,1h  none',
      '',
    ].join('\n'),
    stderr: '',
  })
  expect(await others()).toEqual(before)
})

test('stream set --json names the columns, and what was set so already is no change', async ({
  database: { pool, url },
}) => {
  const env = { DATABASE_URL: url }
  await addStream(pool, { id: 'partner-a' })
  const argv = [
    'stream',
    'set',
    'partner-a',
    '--timeout-ms',
    '500',
    '--max-in-flight',
    '50',
    '--events',
    'account-purged',
  ]
  expect(await runJson(argv, env)).toEqual({
    stream_id: 'partner-a',
    changed: {
      timeout_ms: { from: 3000, to: 500 },
      events_requested: { from: null, to: ['https://schemas.openid.net/secevent/risc/event-type/account-purged'] },
    },
    authorization_renewed: false,
  })
  expect(await runJson(argv, env)).toMatchObject({ changed: {} })
  expect((await runCommand(argv, env)).stdout).toBe('all was set so already\n')
  expect(await runJson(['stream', 'set', 'partner-a', '--events', 'all'], env)).toMatchObject({
    changed: { events_requested: { to: null } },
  })
})

test('a credential is set, renewed and taken away, and never printed', async ({ database: { pool, url } }) => {
  await addStream(pool, { id: 'a' })
  const env = {
    DATABASE_URL: url,
    RISC_CREDENTIAL_KEYS: TEST_KEY_SET,
    FIRST: 'Bearer hunter2',
    SECOND: 'Bearer hunter3',
  }
  const header = () => openStored(pool, 'a')
  const set = (...options: string[]) => runCommand(['stream', 'set', 'a', ...options], env)

  const results = [await set('--authorization-env', 'FIRST')]
  expect(await header()).toBe('Bearer hunter2')
  results.push(await set('--authorization-env', 'SECOND'), await set('--authorization-env', 'SECOND', '--json'))
  expect(await header()).toBe('Bearer hunter3')
  results.push(await set('--no-authorization'))
  expect(await header()).toBeNull()

  expect(results).toMatchObject([
    { code: 0, stdout: 'SETTING        BEFORE  AFTER\nauthorization  none    set\n' },
    { code: 0, stdout: 'SETTING        BEFORE  AFTER\nauthorization  set     set anew\n' },
    { code: 0, stdout: expect.stringContaining('"authorization_renewed": true') },
    { code: 0, stdout: 'SETTING        BEFORE  AFTER\nauthorization  set     none\n' },
  ])
  expect(JSON.stringify(results)).not.toContain('hunter')
})

test('a credential is not sent to another origin unless somebody says so', async ({ database: { pool, url } }) => {
  const env = { DATABASE_URL: url, RISC_CREDENTIAL_KEYS: TEST_KEY_SET, NEW: 'Bearer hunter3' }
  await addStream(pool, { id: 'a', endpoint_url: URL_A, credential: 'Bearer hunter2' })
  const row = async () => ({
    endpoint_url: (await pool.query('select endpoint_url from risc.streams')).rows[0].endpoint_url,
    credential: await openStored(pool, 'a'),
  })
  const set = (...options: string[]) => runCommand(['stream', 'set', 'a', ...options], env)

  const moved = ['--url', 'https://evil.example/events']
  expect(await set(...moved, '--max-in-flight', '7')).toEqual({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('of another origin'),
  })
  expect(await row()).toEqual({ endpoint_url: URL_A, credential: 'Bearer hunter2' })
  expect((await pool.query('select max_in_flight from risc.streams')).rows).toEqual([{ max_in_flight: 50 }])

  expect(await set('--url', 'https://partner-a.example/elsewhere')).toMatchObject({ code: 0 }) // the same origin
  expect(await set(...moved, '--keep-authorization')).toMatchObject({ code: 0 })
  expect(await row()).toEqual({ endpoint_url: moved[1], credential: 'Bearer hunter2' })
  expect(await set('--url', URL_A, '--authorization-env', 'NEW')).toMatchObject({ code: 0 })
  expect(await row()).toEqual({ endpoint_url: URL_A, credential: 'Bearer hunter3' })
  expect(await set(...moved, '--no-authorization')).toMatchObject({ code: 0 })
  expect(await row()).toEqual({ endpoint_url: moved[1], credential: null })
  expect(await set('--url', URL_A)).toMatchObject({ code: 0 }) // there is none to be sent
})

test('a credential that SQL left behind at its old origin is kept for the new one, if somebody says so', async ({
  database: { pool, url },
}) => {
  await addStream(pool, { id: 'a', endpoint_url: URL_A, credential: 'Bearer hunter2' })
  const moved = 'https://new.partner-a.example/events'
  await pool.query('update risc.streams set endpoint_url = $1', [moved])
  expect(await openStored(pool, 'a')).toBe('bound_elsewhere')
  const env = { DATABASE_URL: url, RISC_CREDENTIAL_KEYS: TEST_KEY_SET }
  expect(await runCommand(['stream', 'set', 'a', '--url', moved, '--keep-authorization'], env)).toMatchObject({
    code: 0,
  })
  expect(await openStored(pool, 'a')).toBe('Bearer hunter2')
})

test('a header that is too long is refused by the name of its variable', async () => {
  const env = { DATABASE_URL: 'postgres://127.0.0.1:1/idp', NEW: 'x'.repeat(20_000) }
  expect(await runCommand(['stream', 'set', 'a', '--authorization-env', 'NEW'], env)).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('NEW holds more than 16384 characters'),
  })
})

test('a new URL says that the audience is still the old one', async ({ database: { pool, url } }) => {
  await addStream(pool, { id: 'a', endpoint_url: URL_A, audience: [URL_A] })
  const env = { DATABASE_URL: url }
  const moved = ['stream', 'set', 'a', '--url', 'https://b.example/']
  expect(await runCommand(moved, env)).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('--audience changes it'),
  })
  expect(await runCommand([...moved, '--audience', 'urn:b'], env)).toMatchObject({ code: 0, stderr: '' })
})

test.for([
  ['nothing at all', [], 'nothing to set'],
  ['only what keeps a credential', ['--keep-authorization'], 'goes with --url'],
  ['a credential given and taken away', ['--no-authorization', '--authorization-env', 'A'], 'give only one of'],
  ['all events and one', ['--events', 'all,account-purged'], '--events all stands alone'],
  ['no window', ['--max-in-flight', '0'], 'a whole number from 1'],
] as const)('%s is misuse, and nothing is changed', async ([, options, problem]) => {
  const env = { DATABASE_URL: 'postgres://127.0.0.1:1/idp', A: 'Bearer hunter2' }
  const { code, stdout, stderr } = await runCommand(['stream', 'set', 'a', ...options], env)
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
  expect(stderr).toContain(problem)
})

test.for(['show', 'set', 'remove'])(
  'stream %s of an unknown stream fails and says which may be meant',
  async (command, { database: { pool, url } }) => {
    await addStream(pool, { id: 'partner-a' })
    const options = command === 'set' ? ['--max-in-flight', '7'] : []
    expect(await runCommand(['stream', command, 'partner-b', ...options], { DATABASE_URL: url })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'risc-worker: there is no stream partner-b (did you mean partner-a?)\n',
    })
  },
)

const accepted = (pool: Pool, count: number) =>
  until(
    async () => (await pool.query('select from risc.history')).rowCount === count || undefined,
    `${count} deliveries on record`,
  )

test('a running worker goes by a new URL, credential and timeout in the next request', async ({
  database: { pool, url },
  receiver,
  start,
}) => {
  const [old, next] = [await receiver(), await receiver()]
  const env = {
    DATABASE_URL: url,
    RISC_ALLOW_LOOPBACK: 'true',
    RISC_CREDENTIAL_KEYS: TEST_KEY_SET,
    OLD: 'Bearer old',
    NEW: 'Bearer new',
  }
  await addStream(pool, { id: 'a', endpoint_url: old.url, credential: env.OLD })
  start()
  await addDeliveries(pool, 'a')
  await accepted(pool, 1)

  await runJson(['stream', 'set', 'a', '--url', next.url, '--authorization-env', 'NEW', '--timeout-ms', '300'], env)
  await addDeliveries(pool, 'a')
  const [request] = await next.received(1)
  expect(request?.headers.authorization).toBe('Bearer new')
  expect(old.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer old'])

  next.respond = () => 'hang'
  const [late] = await addDeliveries(pool, 'a')
  const attempt = await until(
    async () => (await pool.query('select reason, duration_ms from risc.attempts where jti = $1', [late])).rows[0],
    'the attempt that timed out',
  )
  expect(attempt.reason).toBe('timeout')
  expect(attempt.duration_ms).toBeGreaterThanOrEqual(300)
})

test('a running worker goes by a new window and a new rate, whatever the old one made it wait for', async ({
  database: { pool, url },
  receiver,
  start,
}) => {
  const partner = await receiver(() => ({ status: 202, delayMs: 100 }))
  const env = { DATABASE_URL: url }
  await addStream(pool, { id: 'a', endpoint_url: partner.url, rate_limit: 1, rate_interval: '1 day' })
  start()
  await addDeliveries(pool, 'a', 40)
  await partner.received(1)
  await accepted(pool, 1) // and no more today
  await runJson(['stream', 'set', 'a', '--rate-limit', '1000000', '--rate-interval', '1s', '--max-in-flight', '3'], env)
  await partner.received(2)

  let most = 0
  await until(async () => {
    const { rows } = await pool.query('select count(*)::integer as held from risc.inflight')
    most = Math.max(most, rows[0].held)
    return partner.requests.length >= 20 || undefined
  }, 'half of what waited')
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThanOrEqual(3)
})

test('a rate that is raised lets a stream go on, and never beyond the new one', async ({ database: { pool, url } }) => {
  await addStream(pool, { id: 'a', rate_limit: 1, rate_interval: '1 day' })
  await addWorker(pool)
  await addDeliveries(pool, 'a', 1000)
  expect(await dispatch(pool)).toBe(1)
  expect(await dispatch(pool)).toBe(0)
  await runJson(['stream', 'set', 'a', '--rate-limit', '600', '--rate-interval', '1m'], { DATABASE_URL: url })
  const first = await until(async () => (await dispatch(pool)) || undefined, 'room for the next')
  expect(first).toBeLessThanOrEqual(30) // of the burst of 60, which is only earned in six seconds
})

test('events that are no longer asked for are not enqueued, and those enqueued stay', async ({
  database: { pool, url },
}) => {
  await addStream(pool, { id: 'a' })
  const waiting = await addDeliveries(pool, 'a', 2)
  const recipients = async (type: string) => {
    const { rows } = await pool.query('select stream_id from risc.recipients($1)', [
      JSON.stringify([{ stream_id: 'a', event_type: type }]),
    ])
    return rows.length
  }
  const purged = 'https://schemas.openid.net/secevent/risc/event-type/account-purged'
  expect(await recipients('urn:other')).toBe(1)
  await runJson(['stream', 'set', 'a', '--events', 'account-purged'], { DATABASE_URL: url })
  expect([await recipients('urn:other'), await recipients(purged)]).toEqual([0, 1])
  expect((await pool.query('select jti from risc.pending order by jti')).rows.map(({ jti }) => jti)).toEqual(
    waiting.sort(),
  )
})
