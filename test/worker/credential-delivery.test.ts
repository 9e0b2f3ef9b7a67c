import type { Pool } from 'pg'
import { expect } from 'vitest'
import { until } from '../support/until.ts'
import { runCommand, runJson } from './cli/command.ts'
import { test } from './pushing.ts'
import { addDeliveries, addStream, openStored } from './rows.ts'
import { loadKeys, TEST_KEY_SET, TEST_KEYS } from './test-keys.ts'

test('the database takes no credential in plain text', async ({ database: { pool } }) => {
  await addStream(pool, { id: 'a' })
  for (const text of [
    'Bearer hunter2',
    'hunter2',
    'eyJhbGciOiJFUzI1NiJ9.e30.c2ln',
    'file:keys.json@',
    'env:DATABASE_URL@',
  ]) {
    for (const column of ['credential', 'client_private_key']) {
      const update = pool.query(`update risc.streams set client_certificate = 'x', ${column} = $1`, [text])
      await expect(update).rejects.toMatchObject({ constraint: 'is_sealed_or_a_reference' })
    }
  }
})

test('a URL that SQL moves to another origin takes no credential there: the stream is held, and says why', async ({
  database: { pool, url },
  receiver,
  start,
}) => {
  const [bank, thief] = [await receiver(), await receiver()]
  await addStream(pool, { id: 'a', endpoint_url: bank.url, credential: 'Bearer s3cret' })
  const worker = start()
  await addDeliveries(pool, 'a')
  const [request] = await bank.received(1)
  expect(request?.headers.authorization).toBe('Bearer s3cret')

  await pool.query('update risc.streams set endpoint_url = $1', [thief.url])
  const [jti = ''] = await addDeliveries(pool, 'a')
  const held = await until(
    async () => (await pool.query('select open_because from risc.flow where open_until is not null')).rows[0],
    'an open breaker',
  )
  expect(held).toEqual({ open_because: 'credential_unavailable' })
  const { rows } = await pool.query('select attempts, last_reason, last_description from risc.deliveries')
  expect(rows).toEqual([{ attempts: 0, last_reason: 'credential_unavailable', last_description: 'bound_elsewhere' }])
  expect(await runCommand(['why', jti], { DATABASE_URL: url })).toMatchObject({
    stdout: expect.stringContaining('credential_unavailable'),
  })
  expect(thief.requests).toEqual([])
  expect(JSON.stringify(worker.logged)).not.toContain('s3cret')
})

test('a token endpoint that SQL moves to another origin gets no secret: the stream is held, and nothing is sent', async ({
  database: { pool },
  receiver,
  start,
}) => {
  const [partner, thief] = [await receiver(), await receiver()]
  const request = { client_id: 'risc', client_authentication: 'client_secret_basic' }
  const token_request = JSON.stringify({ ...request, token_endpoint: 'https://login.example/token' })
  await addStream(pool, { id: 'a', endpoint_url: partner.url, credential: 's3cret', token_request })
  await pool.query(
    `update risc.streams set token_request = token_request || jsonb_build_object('token_endpoint', $1::text)`,
    [thief.url],
  )
  await addDeliveries(pool, 'a')
  start()
  expect(await heldBecause(pool)).toEqual(['credential_unavailable', 'bound_elsewhere'])
  expect([...partner.requests, ...thief.requests]).toEqual([])
})

test('a client key that its certificate cannot be shown with holds the stream, and costs no attempt', async ({
  authority,
  database: { pool },
  nameServer,
  partner,
  start,
}) => {
  const bank = await partner(await authority.issue({ names: ['bank.example'] }), {
    ca: authority.cert,
    requestCert: true,
  })
  const dns = await nameServer({ 'bank.example': { a: ['127.0.0.1'] } })
  const [client, another] = [await authority.issue({}), await authority.issue({})]
  await addStream(pool, {
    id: 'a',
    endpoint_url: `https://bank.example:${bank.port}/`,
    allowed_ports: [bank.port],
    ca_certificates: authority.cert,
    client_certificate: client.cert,
    client_private_key: client.key,
  })
  await pool.query(`update risc.streams set client_private_key = 'env:RISC_CREDENTIAL_VALUE_KEY@'`)
  await addDeliveries(pool, 'a')
  const env = { RISC_CREDENTIAL_VALUE_KEY: another.key }
  start({ dnsServers: [dns.address], credentials: { keys: TEST_KEYS, sources: { directory: undefined, env } } })
  expect(await heldBecause(pool)).toEqual(['credential_unavailable', 'not_usable'])
  expect(bank.connections).toBe(0)

  env.RISC_CREDENTIAL_VALUE_KEY = client.key
  const accepted = await until(async () => {
    await pool.query('update risc.deliveries set due_at = now()')
    await pool.query(`select risc.probe('a')`)
    return (await pool.query('select attempts from risc.history')).rows[0]
  }, 'an accepted delivery')
  expect(accepted).toEqual({ attempts: 1 })
})

/** Waits for the breaker to open; tells why, and of what cause. */
async function heldBecause(pool: Pool): Promise<string[]> {
  const query = `select f.open_because, d.last_description, d.attempts from risc.flow f join risc.deliveries d using (stream_id)
    where f.open_until is not null`
  const held = await until(async () => (await pool.query(query)).rows[0], 'an open breaker')
  expect(held.attempts).toBe(0)
  return [held.open_because, held.last_description]
}

test('keys are changed while deliveries flow, and no stream is held', async ({
  database: { pool, url },
  receiver,
  start,
}) => {
  const bank = await receiver()
  await addStream(pool, { id: 'a', endpoint_url: bank.url, credential: 'Bearer s3cret' })
  const made = await runJson<{ keys: [{ kid: string }] }>(['credential', 'new-key'], {})
  const both = JSON.stringify({ keys: [...made.keys, ...JSON.parse(TEST_KEY_SET).keys] })
  const env = { DATABASE_URL: url, RISC_CREDENTIAL_KEYS: both }
  start({ credentials: { keys: loadKeys(both), sources: { directory: undefined, env: {} } } })
  await addDeliveries(pool, 'a', 20)
  await bank.received(1)
  expect(
    await runCommand(['credential', 'reseal', '--json'], { ...env, RISC_CREDENTIAL_KEYS: JSON.stringify(made) }),
  ).toMatchObject({
    code: 1,
    stderr: 'risc-worker: not sealed anew:\n  a: 1 by key test-key, which is not here\n',
  })
  expect(await runJson(['credential', 'reseal'], env)).toEqual({ kid: made.keys[0].kid, resealed: 1, left: [] })
  expect(await runJson(['credential', 'list'], env)).toEqual({
    credentials: [{ stream_id: 'a', use: 'credential', kept: 'sealed', by: made.keys[0].kid }],
  })
  expect(await openStored(pool, 'a')).toBe('no_such_key') // of those that the tests have
  await addDeliveries(pool, 'a', 20)
  await until(async () => (await pool.query('select from risc.history')).rowCount === 40 || undefined, 'all accepted')
  expect(new Set(bank.requests.map(({ headers }) => headers.authorization))).toEqual(new Set(['Bearer s3cret']))
  expect((await pool.query('select from risc.attempts')).rowCount).toBe(0)
})

test('a breaker that is open waits on while its stream’s credential is sealed anew', async ({
  database: { pool, url },
}) => {
  await addStream(pool, { id: 'a', credential: 'Bearer s3cret' })
  await pool.query("update risc.flow set open_until = 'infinity', open_because = 'timeout'")
  const { keys } = await runJson<{ keys: object[] }>(['credential', 'new-key'], {})
  const both = JSON.stringify({ keys: [...keys, ...JSON.parse(TEST_KEY_SET).keys] })
  const env = { DATABASE_URL: url, RISC_CREDENTIAL_KEYS: both }
  expect(await runJson(['credential', 'reseal'], env)).toMatchObject({ resealed: 1 })
  expect((await pool.query('select open_until::text from risc.flow')).rows).toEqual([{ open_until: 'infinity' }])
})

test('a reference that changes is taken up by a running worker, and no key is needed', async ({
  database: { pool, url },
  receiver,
  start,
}) => {
  const bank = await receiver()
  const env = { DATABASE_URL: url, RISC_ALLOW_LOOPBACK: 'true' }
  const add = ['stream', 'add', 'a', '--url', bank.url]
  expect(await runCommand([...add, '--authorization-env', 'X'], { ...env, X: 'Bearer x' })).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('credential new-key'),
  })
  await runJson([...add, '--authorization-reference', 'env:RISC_CREDENTIAL_VALUE_A'], env)
  const ofWorker = { RISC_CREDENTIAL_VALUE_A: 'Bearer old' }
  start({ credentials: { keys: TEST_KEYS, sources: { directory: undefined, env: ofWorker } } })
  await addDeliveries(pool, 'a')
  await bank.received(1)
  ofWorker.RISC_CREDENTIAL_VALUE_A = 'Bearer new'
  await until(async () => {
    await addDeliveries(pool, 'a')
    return bank.requests.some(({ headers }) => headers.authorization === 'Bearer new') || undefined
  }, 'the new credential')
})
