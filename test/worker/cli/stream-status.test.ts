import { generateKeyPairSync } from 'node:crypto'
import { decodeJwt } from 'jose'
import { expect } from 'vitest'
import { test } from '../../support/test.ts'
import { addDeliveries, addStream, addWorker, dispatch } from '../rows.ts'
import { runCommand, runJson } from './command.ts'

const SSF = 'https://schemas.openid.net/secevent/ssf/event-type'
const issuer = 'https://idp.example/'

const privateJwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const IDP_KEYS = JSON.stringify({ keys: [privateJwk] })
const signing = ['--issuer', issuer, '--keys-env', 'IDP_KEYS']
const secrets = [privateJwk.d ?? '', 'eyJ'] // the key, and what every SET begins with

test('without keys a stream is paused, resumed and disabled at once, and its receiver is not told', async ({
  database,
}) => {
  const { pool, url } = database
  const env = { DATABASE_URL: url }
  await addStream(pool, { id: 'partner-a' })
  const row = async () => (await pool.query('select status, status_reason from risc.streams')).rows[0]
  const untold = expect.stringMatching(
    /^the receiver was not told: no keys .*--issuer and --keys-env.*setStreamStatus\n$/,
  )

  expect(await runCommand(['stream', 'pause', 'partner-a', '--reason', 'maintenance'], env)).toEqual({
    code: 0,
    stdout: 'stream partner-a paused\n',
    stderr: untold,
  })
  expect(await row()).toEqual({ status: 'paused', status_reason: 'maintenance' })
  expect(await runCommand(['stream', 'resume', 'partner-a'], env)).toEqual({
    code: 0,
    stdout: 'stream partner-a enabled\n',
    stderr: untold,
  })
  expect(await row()).toEqual({ status: 'enabled', status_reason: null })
  expect(await runCommand(['stream', 'resume', 'partner-a'], env)).toEqual({
    code: 0,
    stdout: 'stream partner-a is enabled already\n',
    stderr: '',
  })
  expect(await runJson(['stream', 'disable', 'partner-a'], env)).toEqual({
    stream_id: 'partner-a',
    status: 'disabled',
    changed: true,
    probed: false,
    told: false,
    jti: null,
  })
  expect(await row()).toEqual({ status: 'disabled', status_reason: null })
  expect((await pool.query('select from risc.deliveries')).rowCount).toBe(0)
})

test('what settle paused is resumed, its reason gone', async ({ database: { pool, url } }) => {
  await addStream(pool, { id: 'partner-a', status: 'paused' })
  await pool.query(`update risc.streams set status_reason = 'receiver_gone'`)
  expect(await runJson(['stream', 'resume', 'partner-a'], { DATABASE_URL: url })).toMatchObject({ changed: true })
  expect((await pool.query('select status, status_reason from risc.streams')).rows).toEqual([
    { status: 'enabled', status_reason: null },
  ])
})

test('a stream that waits for its breaker is tried at once when it is resumed, though it is enabled', async ({
  database: { pool, url },
}) => {
  await addStream(pool, { id: 'partner-a' })
  const resume = ['stream', 'resume', 'partner-a']
  expect(await runJson(resume, { DATABASE_URL: url })).toMatchObject({ changed: false, probed: false })
  await pool.query(`update risc.flow set open_until = now() + interval '10 minutes', open_because = 'access_denied'`)
  expect(await runJson(resume, { DATABASE_URL: url })).toMatchObject({ changed: false, probed: true })
  await addWorker(pool)
  await addDeliveries(pool, 'partner-a', 2)
  expect(await dispatch(pool)).toBe(1)
})

test('with the keys of the IdP the receiver is told, and no output holds a key or a SET', async ({
  database: { pool, url },
}) => {
  const env = { DATABASE_URL: url, IDP_KEYS }
  await addStream(pool, { id: 'partner-a' })
  await addStream(pool, { id: 'agency', profile: 'login.gov' })
  const results = [
    await runCommand(['stream', 'verify', 'partner-a', '--state', 'abc', ...signing], env),
    await runCommand(['stream', 'verify', 'partner-a', '--json', ...signing], env),
    await runCommand(['stream', 'pause', 'partner-a', '--reason', 'maintenance', ...signing], env),
    await runCommand(['stream', 'pause', 'partner-a', ...signing], env),
    await runCommand(['stream', 'resume', 'partner-a', '--json', ...signing], env),
    await runCommand(['stream', 'disable', 'agency', ...signing], env),
    await runCommand(['list', '--json'], env),
  ]
  const { rows } = await pool.query('select * from risc.deliveries order by id')

  expect(rows.map(({ signed_set }) => decodeJwt(signed_set))).toMatchObject([
    { iss: issuer, jti: rows[0].jti, events: { [`${SSF}/verification`]: { state: 'abc' } } },
    { iss: issuer, jti: rows[1].jti, events: { [`${SSF}/verification`]: {} } },
    { iss: issuer, events: { [`${SSF}/stream-updated`]: { status: 'paused', reason: 'maintenance' } } },
    { iss: issuer, events: { [`${SSF}/stream-updated`]: { status: 'enabled' } } },
  ])
  expect(results.slice(0, 6)).toMatchObject([
    { code: 0, stdout: `stream partner-a is tested by ${rows[0].jti}\n`, stderr: '' },
    { code: 0, stdout: expect.stringContaining(`"jti": "${rows[1].jti}"`), stderr: '' },
    { code: 0, stdout: 'stream partner-a paused\n', stderr: '' },
    { code: 0, stdout: 'stream partner-a is paused already\n', stderr: '' },
    { code: 0, stdout: expect.stringContaining('"told": true'), stderr: '' },
    { code: 0, stderr: 'the receiver was not told: profile login.gov has no event for it\n' },
  ])
  for (const secret of secrets) expect(JSON.stringify(results)).not.toContain(secret)
})

test('verify needs the keys, and says who has them', async () => {
  const { code, stdout, stderr } = await runCommand(['stream', 'verify', 'a'], {
    DATABASE_URL: 'postgres://127.0.0.1:1/idp',
  })
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
  expect(stderr).toContain('give --issuer and --keys-env, or have the IdP call outbox.verifyStream')
})

test('a stream that is not enabled is not verified, nor one of profile login.gov', async ({
  database: { pool, url },
}) => {
  const env = { DATABASE_URL: url, IDP_KEYS }
  await addStream(pool, { id: 'partner-a', status: 'paused' })
  await addStream(pool, { id: 'agency', profile: 'login.gov' })
  expect(await runCommand(['stream', 'verify', 'partner-a', ...signing], env)).toEqual({
    code: 1,
    stdout: '',
    stderr: 'risc-worker: stream partner-a is not enabled, so it cannot be verified\n',
  })
  expect(await runCommand(['stream', 'verify', 'agency', ...signing], env)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('login.gov has no event that verifies a stream'),
  })
})

test.for(['pause', 'resume', 'disable', 'verify'])(
  'stream %s of an unknown stream fails and says which may be meant',
  async (command, { database: { pool, url } }) => {
    await addStream(pool, { id: 'partner-a' })
    const env = { DATABASE_URL: url, IDP_KEYS }
    for (const keys of command === 'verify' ? [signing] : [signing, []]) {
      expect(await runCommand(['stream', command, 'partner-b', ...keys], env)).toEqual({
        code: 1,
        stdout: '',
        stderr: 'risc-worker: there is no stream partner-b (did you mean partner-a?)\n',
      })
    }
  },
)

test.for([
  ['an issuer without keys', ['--issuer', issuer], 'go together'],
  ['keys without an issuer', ['--keys-env', 'IDP_KEYS'], 'go together'],
  ['an issuer that is no URL', ['--issuer', 'idp', '--keys-env', 'IDP_KEYS'], '--issuer is not a URL'],
  ['a variable that is not set', ['--issuer', issuer, '--keys-env', 'NOTHING'], 'NOTHING is not set'],
  ['public keys alone', ['--issuer', issuer, '--keys-env', 'PUBLIC'], 'PUBLIC: The keys cannot be used'],
  ['no JSON', ['--issuer', issuer, '--keys-env', 'BROKEN'], 'BROKEN: The keys cannot be used'],
  ['the keys themselves', ['--issuer', issuer, '--keys-env', IDP_KEYS], '--keys-env takes the name'],
  ['a reason of nothing', ['--reason', '', ...signing], '--reason must be 1 to 200 characters'],
  ['a long reason', ['--reason', 'x'.repeat(201)], '--reason must be 1 to 200 characters'],
  ['a reason that steers a terminal', ['--reason', 'a\u001b[2J'], 'none of them a control character'],
] as const)('%s is misuse, and no key is shown', async ([, options, problem]) => {
  const { d, ...publicJwk } = privateJwk
  const env = {
    DATABASE_URL: 'postgres://127.0.0.1:1/idp',
    IDP_KEYS,
    PUBLIC: JSON.stringify({ keys: [publicJwk] }),
    BROKEN: `{${d}`,
  }
  const { code, stdout, stderr } = await runCommand(['stream', 'pause', 'a', ...options], env)
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
  expect(stderr).toContain(problem)
  expect(stderr).not.toContain(d)
})

test.for([
  'receiver_gone',
  'url_not_allowed',
  'address_forbidden',
  'address_private',
  'token_url_not_allowed',
  'token_address_forbidden',
  'token_address_private',
  'retention',
  'erased',
  'stream_disabled',
])('nobody pauses a stream in the words of the machine: %s', async (word) => {
  const env = { DATABASE_URL: 'postgres://127.0.0.1:1/idp' }
  for (const command of ['pause', 'disable']) {
    expect(await runCommand(['stream', command, 'a', '--reason', word], env)).toMatchObject({
      code: 64,
      stderr: expect.stringContaining(`--reason must not be ${word} alone`),
    })
  }
})

test('why a stream goes on is told to its receiver, or is misuse', async ({ database: { pool, url } }) => {
  await addStream(pool, { id: 'partner-a', status: 'paused' })
  const env = { DATABASE_URL: url, IDP_KEYS }
  const resume = ['stream', 'resume', 'partner-a', '--reason', 'maintenance is over']
  expect(await runCommand(resume, env)).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('told only with --issuer and --keys-env'),
  })
  expect((await pool.query('select status from risc.streams')).rows).toEqual([{ status: 'paused' }])
  expect(await runJson([...resume, ...signing], env)).toMatchObject({ changed: true, told: true })
  const { rows } = await pool.query('select signed_set from risc.deliveries')
  expect(rows.map(({ signed_set }) => decodeJwt(signed_set))).toMatchObject([
    { events: { [`${SSF}/stream-updated`]: { status: 'enabled', reason: 'maintenance is over' } } },
  ])
})

test('who changed the status is kept, with the keys and without, and shown', async ({ database: { pool, url } }) => {
  const env = { DATABASE_URL: url, IDP_KEYS, USER: 'jane' }
  await addStream(pool, { id: 'partner-a' })
  const changedBy = async () => (await pool.query('select status_changed_by from risc.streams')).rows[0]
  const pause = ['stream', 'pause', 'partner-a', '--reason', 'maintenance']
  for (const keys of [[], signing]) {
    await pool.query(`update risc.streams set status = 'enabled', status_changed_by = null`)
    await runJson([...pause, ...keys], env)
    expect(await changedBy()).toEqual({ status_changed_by: 'jane@host-1' })
  }
  const { stdout } = await runCommand(['stream', 'show', 'partner-a'], env)
  expect(stdout).toMatch(/^status +paused by jane@host-1 \(maintenance\) since \d{4}-/m)
  await runJson(['stream', 'resume', 'partner-a'], { ...env, USER: 'joe' })
  expect(await changedBy()).toEqual({ status_changed_by: 'joe@host-1' })
})
