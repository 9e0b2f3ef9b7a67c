import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createOutbox } from 'risc-outbox'
import { buildClaims, loadSigningKeys, publicJwks, resolveEvent, signSet } from 'risc-set'
import { describe, expect, onTestFinished } from 'vitest'
import { until } from '../../support/until.ts'
import { addStream } from '../rows.ts'
import { test } from '../started-worker.ts'
import { finished, type Result, runCommand, spawnCommand } from './command.ts'

const issuer = 'https://idp.example/'
const privateJwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const IDP_KEYS = JSON.stringify({ keys: [privateJwk] })
const keys = await loadSigningKeys(IDP_KEYS)
const KEYS = ['--keys-env', 'IDP_KEYS']
const NAMES = ['--issuer', issuer, '--audience', 'bank', '--port', '0']

/** `risc-worker receive` in this process. */
interface Receiving {
  readonly url: string
  /** What it printed of each request, as JSON. */
  readonly arrivals: readonly Record<string, unknown>[]
  readonly printed: () => string
  stop(): Promise<Result>
}

async function receive(options: readonly string[], keysOptions: readonly string[] = KEYS): Promise<Receiving> {
  const arrivals: Record<string, unknown>[] = []
  let printed = ''
  let stop = (): void => undefined
  const listening = Promise.withResolvers<string>()
  const command = runCommand(
    ['receive', ...NAMES, ...keysOptions, ...options],
    { IDP_KEYS },
    {
      stdout: {
        write(text) {
          printed += text
          if (text.startsWith('{')) arrivals.push(JSON.parse(text))
        },
      },
      stderr: { write: (text) => listening.resolve(/http:\S+\//.exec(text)?.[0] ?? '') },
      onSignal: (listener) => {
        stop = () => listener('SIGTERM')
      },
    },
  )
  const stopped = async () => {
    stop()
    return command
  }
  onTestFinished(async () => void (await stopped()))
  return { url: await listening.promise, arrivals, printed: () => printed, stop: stopped }
}

async function makeSet({ aud = 'bank', jti = 'jti-1', id = 'u-1 at bank' } = {}): Promise<string> {
  const event = resolveEvent({ type: 'account-disabled', reason: 'hijacking' })
  const claims = buildClaims({
    profile: 'ssf',
    issuer,
    audience: [aud],
    jti,
    txn: 'txn-1',
    issuedAt: new Date(),
    event,
    subject: { format: 'opaque', id },
  })
  return (await signSet(claims, keys)).jwt
}

function push(url: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(url, { method: 'POST', headers: { 'content-type': 'application/secevent+jwt', ...headers }, body })
}

describe('receive', () => {
  test('verifies and prints what a worker delivers until SIGTERM, then exits 0', async ({ database, start }) => {
    const child = spawnCommand(['receive', ...NAMES, ...KEYS], { IDP_KEYS })
    const result = finished(child)
    const [heading] = await once(child.stderr, 'data')
    const { pool } = database
    await addStream(pool, { id: 'bank', endpoint_url: /http:\S+\//.exec(`${heading}`)?.[0] ?? '', audience: ['bank'] })
    await pool.query(`insert into risc.subjects (user_id, stream_id, subject)
      values ('u-1', 'bank', '{"format":"opaque","id":"u-1 at bank"}')`)
    start()
    const trx = await pool.connect()
    await trx.query('begin')
    const outbox = createOutbox({ issuer, keys })
    const { txn, deliveries } = await outbox.enqueue(trx, {
      type: 'account-disabled',
      user: 'u-1',
      reason: 'hijacking',
    })
    await trx.query('commit')
    trx.release()
    await until(async () => (await pool.query('select from risc.history')).rowCount || undefined, 'history')
    child.kill('SIGTERM')
    const { code, stdout } = await result
    expect(code).toBe(0)
    for (const said of [
      'verified, attempt 1: answered 202',
      txn,
      deliveries[0]?.jti ?? '',
      '"id": "u-1 at bank"',
      'hijacking',
    ]) {
      expect(stdout).toContain(said)
    }
  })

  test('says of a duplicate that it is one, and of every attempt which it is', async () => {
    const { url, arrivals } = await receive(['--json', '--status', '503', '--times', '2'])
    const jwt = await makeSet()
    const statuses = []
    for (let n = 0; n < 4; n++) statuses.push((await push(url, jwt)).status)
    expect(statuses).toEqual([503, 503, 202, 202])
    expect(arrivals.map(({ attempt, duplicate }) => ({ attempt, duplicate }))).toEqual([
      { attempt: 1, duplicate: false },
      { attempt: 2, duplicate: false },
      { attempt: 3, duplicate: false },
      { attempt: 4, duplicate: true },
    ])
    expect(arrivals[3]).toMatchObject({ n: 4, verified: true, answered: 202, behaviour: 'honest', jwt })
  })

  test('says why it refuses a SET, and prints it all the same', async () => {
    const { url, arrivals } = await receive(['--json'])
    const forOthers = await makeSet({ aud: 'another' })
    const [head, claims] = (await makeSet()).split('.')
    await push(url, forOthers)
    await push(url, `${head}.${claims}.${'A'.repeat(86)}`)
    await push(url, 'no SET')
    await push(url, forOthers, { 'content-type': 'text/plain' })
    await push(url, 'A'.repeat(100_000))
    await fetch(url)
    expect(arrivals).toMatchObject([
      { verified: false, err: 'invalid_audience', answered: 400, claims: { aud: 'another', jti: 'jti-1' } },
      { verified: false, err: 'invalid_key', answered: 400, claims: { aud: 'bank' } },
      { verified: false, err: 'invalid_request', answered: 400 },
      { verified: false, description: expect.stringContaining('Content-Type'), answered: 415 },
      { verified: false, description: expect.stringContaining('64 KiB'), answered: 413 },
      { method: 'GET', verified: false, answered: 405 },
    ])
  })

  test.for([[], ['--json']])('never prints a credential, with %j', async (options) => {
    const { url, printed } = await receive(options)
    await push(url, await makeSet(), { authorization: 'Bearer s3cret' })
    await push(url, await makeSet(), { authorization: 's3cret' })
    expect(printed()).toContain('Bearer …')
    expect(printed()).not.toContain('s3cret')
  })

  test('what others wrote does not steer the terminal', async () => {
    const { url, printed } = await receive([])
    await push(url, await makeSet({ id: 'a\u001b[2Jb\u202e\u009b2J' }))
    expect(printed()).toContain('verified, attempt 1: answered 202')
    for (const steering of ['\u001b', '\u009b', '\u202e']) expect(printed()).not.toContain(steering)
  })

  test('takes the keys from a file, private or public, and from a URL', async ({ receiver }) => {
    const folder = await mkdtemp(join(tmpdir(), 'risc-keys-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const [privateFile, publicFile] = [join(folder, 'private.json'), join(folder, 'public.json')]
    await writeFile(privateFile, IDP_KEYS)
    await writeFile(publicFile, JSON.stringify(publicJwks(keys)))
    const idp = await receiver(() => ({ status: 200, body: JSON.stringify(publicJwks(keys)) }))
    for (const place of [privateFile, publicFile, idp.url]) {
      const { url } = await receive([], ['--jwks', place])
      expect((await push(url, await makeSet())).status, place).toBe(202)
    }
  })

  test('keys that cannot be had are answered 503, as by any receiver', async ({ receiver }) => {
    const idp = await receiver(() => ({ status: 500 }))
    const { url, arrivals } = await receive(['--json'], ['--jwks', idp.url])
    expect((await push(url, await makeSet())).status).toBe(503)
    expect(arrivals).toMatchObject([
      { verified: false, description: expect.stringContaining('JWK set'), answered: 503 },
    ])
  })

  test('can be reached from this machine only', async () => {
    const { url } = await receive([])
    const { hostname, port } = new URL(url)
    expect(hostname).toBe('127.0.0.1')
    const addresses = Object.values(networkInterfaces()).flatMap((all = []) => all)
    for (const { address } of addresses.filter(({ internal, family }) => !internal && family === 'IPv4')) {
      const socket = connect({ host: address, port: Number(port) })
      const [error] = await once(socket, 'error')
      expect(error).toMatchObject({ code: 'ECONNREFUSED' })
    }
  })

  test('a stop cuts what hangs', async () => {
    const { url, arrivals, stop } = await receive(['--json', '--hang'])
    const pushing = push(url, await makeSet())
    const failing = expect(pushing).rejects.toThrow()
    await until(async () => arrivals[0], 'the request')
    expect(await stop()).toMatchObject({ code: 0 })
    await failing
    expect(arrivals).toMatchObject([{ answered: null, behaviour: 'hang', verified: true }])
  })

  test.for([
    [[], /one of --jwks and --keys-env/],
    [[...KEYS, '--jwks', 'x'], /one of --jwks and --keys-env/],
    [['--keys-env', 'NOT_THERE'], /NOT_THERE is not set/],
    [['--keys-env', 'HUNTER'], /HUNTER is not a JWK set/],
    [['--keys-env', '{"d":"hunter2"}'], /the name of an environment variable/],
    [['--jwks', '/nowhere/at-all.json'], /neither a URL nor a file/],
    [['--jwks', 'http://idp.example/jwks.json'], /must be an https: URL/],
    [[...KEYS, '--status', '99'], /a whole number from 200 to 599/],
    [[...KEYS, '--status', '500', '--err', 'invalid_key'], /leave out --status/],
    [[...KEYS, '--description', 'no'], /goes with --err/],
    [[...KEYS, '--hang', '--reset'], /choose one of/],
    [[...KEYS, '--hang', '--status', '500'], /give no answer/],
    [[...KEYS, '--hang', '--delay', '1s'], /never answers/],
    [[...KEYS, '--times', '3'], /needs something to do/],
    [[...KEYS, '--retry-after', '1\r\nx: y'], /cannot be sent/],
    [[...KEYS, '--host', '0.0.0.0'], /unknown option '--host'/],
  ] as const)('%j is misuse, and no output holds a key', async ([options, problem]) => {
    const env = { IDP_KEYS, HUNTER: 'hunter2' }
    const { code, stdout, stderr } = await runCommand(['receive', ...NAMES, ...options], env)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toMatch(problem)
    expect(stderr).not.toMatch(new RegExp(`hunter2|${privateJwk.d}`))
  })

  test('a port that is taken fails in one line', async () => {
    const { url } = await receive([])
    const argv = ['receive', '--issuer', issuer, '--audience', 'bank', ...KEYS, '--port', new URL(url).port]
    expect(await runCommand(argv, { IDP_KEYS })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^risc-worker: port \d+ is taken: choose another with --port\n$/),
    })
  })
})

test.for([
  [['--status', '500'], { status: 500, reason: 'server_error', counted: true }],
  [['--status', '401'], { status: 401, reason: 'authentication_failed', counted: false }],
  [['--retry-after', '1'], { status: 503, reason: 'server_error', counted: false }],
  [
    ['--err', 'invalid_audience', '--description', 'not us'],
    { status: 400, reason: 'invalid_audience', counted: true },
  ],
  [['--err', 'access_denied'], { status: 400, reason: 'access_denied', counted: false }],
  [['--hang'], { status: null, reason: 'timeout', counted: true }],
  [['--delay', '5s'], { status: null, reason: 'timeout', counted: true }],
  [['--drip'], { status: null, reason: 'timeout', counted: true }],
  [['--reset'], { status: null, reason: 'connection_lost', counted: true }],
] as const)('a worker takes receive %j for what it is', async ([options, attempt], { database: { pool }, start }) => {
  const { url, arrivals } = await receive(['--json', '--times', '1', ...options])
  await addStream(pool, { id: 'bank', endpoint_url: url, timeout_ms: 500, retry_delays_ms: [0] })
  await pool.query(
    `insert into risc.deliveries (stream_id, jti, txn, event_type, kid, signed_set) values ('bank', 'jti-1', 't', 'e', 'k', $1)`,
    [await makeSet()],
  )
  start()
  const row = await until(async () => (await pool.query('select * from risc.attempts')).rows[0], 'an attempt')
  expect(row).toMatchObject(attempt)
  expect(arrivals[0]).toMatchObject({ verified: true, attempt: 1 })
})
