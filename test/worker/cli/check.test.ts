import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { Kysely, PostgresDialect } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import { expect, onTestFinished, vi } from 'vitest'
import type { Finding } from '../../../packages/worker/src/cli/checks/finding.ts'
import { readOldestSnapshot } from '../../../packages/worker/src/cli/queries/server.ts'
import { createAuthority, inDays } from '../../support/certificates.ts'
import { databaseUrl } from '../../support/template.ts'
import { test } from '../empty-database.ts'
import { addDeliveries, addStream, addWorker } from '../rows.ts'
import { finished, type Result, runCommand, spawnCommand } from './command.ts'

interface Report {
  readonly findings: readonly Finding[]
  readonly problems: number
  readonly warnings: number
}

const read = ({ stdout }: Result): Report => JSON.parse(stdout) as Report

/** What is not as it should be. */
const faults = (result: Result) => read(result).findings.filter(({ level }) => level !== 'ok')

const privateJwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })

test('check says of everything that it is well, and sends no receiver anything', async ({
  database: { pool, url },
  receiver,
}) => {
  const partner = await receiver()
  await addStream(pool, { id: 'bank', endpoint_url: partner.url })
  await addStream(pool, { id: 'shop', status: 'paused' })
  await addDeliveries(pool, 'bank')
  await addWorker(pool, { slots: 100 })
  const env = { DATABASE_URL: url, RISC_ALLOW_LOOPBACK: 'true' }
  const { code, stdout, stderr } = await runCommand(['check'], env)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['RESULT', 'CHECK', 'FINDING'],
    ['ok', 'configuration', 'can be used: 400 slots; receivers on loopback are allowed, for development only'],
    ['ok', 'database', expect.stringMatching(/^PostgreSQL \d+\.\d+.* answers$/)],
    ['ok', 'clock', "this host's agrees with the database's"],
    ['ok', 'transactions', 'none is open for long'],
    ['ok', 'autovacuum', 'is on for all tables'],
    ['ok', 'schema', 'is the one of this version'],
    ['ok', 'rights', 'the role may do what a worker does'],
    ['ok', 'workers', '1 alive with 100 slots: test'],
    ['ok', 'keys', 'none that is needed is retired'],
    ['ok', 'credentials', 'no enabled stream has one'],
    ['ok', 'stream bank', 'accepts connections, without TLS'],
    [''],
  ])
  expect(partner.requests).toEqual([])
})

test('check finds what is wrong, says what to do, and exits 1', async ({ database: { pool, url } }) => {
  await addStream(pool, { id: 'inside', endpoint_url: 'https://10.0.0.1/' })
  await addStream(pool, { id: 'plain', endpoint_url: 'http://partner.example/' })
  await addDeliveries(pool, 'plain')
  await pool.query(`insert into risc.retired_keys values ('key-1')`)
  await pool.query('alter table risc.deliveries set (autovacuum_enabled = off)')
  const result = await runCommand(['check', '--json'], { DATABASE_URL: url, RISC_CONCURENCY: '5' })
  expect(result).toMatchObject({ code: 1, stderr: 'risc-worker: 5 problems found\n' })
  expect(read(result)).toMatchObject({ problems: 5, warnings: 1 })
  expect(faults(result)).toEqual([
    {
      check: 'configuration',
      level: 'problem',
      finding: 'RISC_CONCURENCY is not a setting (did you mean RISC_CONCURRENCY?)',
      advice: expect.stringContaining('--help'),
    },
    {
      check: 'autovacuum',
      level: 'problem',
      finding: 'is off: risc.deliveries',
      advice: expect.stringContaining('switch it on'),
    },
    {
      check: 'workers',
      level: 'warning',
      finding: 'none is alive: nothing is delivered',
      advice: 'start one with `risc-worker run`',
    },
    {
      check: 'keys',
      level: 'problem',
      finding: 'key key-1 is retired and in use again',
      advice: expect.stringContaining('publish it'),
    },
    {
      check: 'stream inside',
      level: 'problem',
      finding: 'its URL leads to a private address, in no network that the stream allows',
      advice: expect.stringContaining('risc-worker stream set inside --allow-network'),
    },
    {
      check: 'stream plain',
      level: 'problem',
      finding: expect.stringContaining('is not https:'),
      advice: expect.stringContaining('risc-worker stream set plain --url'),
    },
  ])
})

test('check --stream looks at that endpoint alone, whatever its status', async ({
  database: { pool, url },
  receiver,
}) => {
  const partner = await receiver()
  await addStream(pool, { id: 'bank', endpoint_url: partner.url, status: 'disabled' })
  await addStream(pool, { id: 'shop', endpoint_url: 'http://partner.example/' })
  const env = { DATABASE_URL: url, RISC_ALLOW_LOOPBACK: 'true' }
  const result = await runCommand(['check', '--stream', 'bank', '--json'], env)
  expect(read(result).findings.filter(({ check }) => check.startsWith('stream'))).toMatchObject([
    { check: 'stream bank', level: 'ok' },
  ])
  expect(await runCommand(['check', '--stream', 'bnak'], env)).toMatchObject({
    code: 1,
    stderr: 'risc-worker: there is no stream bnak (did you mean bank?)\n',
  })
})

test.for([
  ['a database that is not there', 'postgres://risc:hunter2@127.0.0.1:1/idp', 'the database cannot be reached'],
  ['a URL that is none', 'hunter2', 'DATABASE_URL must be a URL'],
] as const)('%s is one problem that holds no password', async ([, url, words]) => {
  const result = await runCommand(['check', '--json'], { DATABASE_URL: url })
  expect(result).toMatchObject({ code: 1, stderr: 'risc-worker: 1 problem found\n' })
  expect(faults(result)).toMatchObject([{ level: 'problem', finding: expect.stringContaining(words) }])
  expect(JSON.stringify(result)).not.toContain('hunter2')
})

test('a database that does not exist, or has no schema, is told with what to do', async ({ database, empty }) => {
  const missing = await runCommand(['check', '--json'], { DATABASE_URL: databaseUrl(database.url, 'no_such_database') })
  expect(faults(missing)).toMatchObject([
    {
      check: 'database',
      finding: expect.stringContaining('does not exist'),
      advice: expect.stringContaining('create it'),
    },
  ])
  expect(faults(await runCommand(['check', '--json'], { DATABASE_URL: empty.url }))).toEqual([
    {
      check: 'schema',
      level: 'problem',
      finding: 'the database has no schema risc yet',
      advice: 'run `risc-worker migrate`',
    },
  ])
})

test('rights that the role lacks are named one by one', async ({ database: { pool, url } }) => {
  const role = `risc_check_${randomBytes(4).toString('hex')}`
  await pool.query(`create role ${role}; grant usage on schema risc, risc_worker to ${role};
    grant select on all tables in schema risc, risc_worker to ${role};
    revoke execute on function risc.claim from public;`)
  try {
    const asRole = `${url}?options=${encodeURIComponent(`-c role=${role}`)}`
    const result = await runCommand(['check', '--json'], { DATABASE_URL: asRole })
    const [rights] = faults(result).filter(({ check }) => check === 'rights')
    expect(rights).toMatchObject({ level: 'problem' })
    for (const missing of [
      'execute on risc.claim',
      'insert on risc_worker._private_tasks',
      'delete on risc_worker._private_jobs',
    ]) {
      expect(rights?.finding).toContain(missing)
    }
    expect(rights?.finding).not.toContain('select on')
  } finally {
    await pool.query(`drop owned by ${role}; drop role ${role}`)
  }
})

test('the clock of this host is held against the database’s', async ({ database: { url } }) => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 })
  onTestFinished(() => void vi.useRealTimers())
  const result = await runCommand(['check', '--json'], { DATABASE_URL: url })
  expect(faults(result)).toMatchObject([
    { check: 'clock', level: 'warning', finding: expect.stringMatching(/ s ahead of the database$/) },
    { check: 'workers' },
  ])
})

test('the transaction that has held a snapshot for longest is found', async ({ database: { pool } }) => {
  const db = new Kysely<OutboxDatabase>({ dialect: new PostgresDialect({ pool }) })
  const client = await pool.connect()
  try {
    expect(await readOldestSnapshot(db)).toBeUndefined()
    await client.query('begin isolation level repeatable read')
    const { rows } = await client.query('select pg_backend_pid() as pid')
    expect(await readOldestSnapshot(db)).toEqual({
      holder: `process ${rows[0].pid}`,
      age_seconds: expect.any(Number),
    })
  } finally {
    client.release(true)
  }
})

test('a key set that cannot be used is a problem that shows no key; options that make no sense are misuse', async ({
  database: { url },
}) => {
  const { d, ...publicJwk } = privateJwk
  const env = {
    DATABASE_URL: url,
    IDP_KEYS: JSON.stringify({ keys: [privateJwk] }),
    PUBLIC: JSON.stringify({ keys: [publicJwk] }),
  }
  const check = (...options: string[]) => runCommand(['check', '--json', ...options], env)
  const good = await check('--issuer', 'https://idp.example/', '--keys-env', 'IDP_KEYS')
  expect(read(good).findings).toContainEqual(
    expect.objectContaining({
      check: 'keys',
      level: 'ok',
      finding: expect.stringMatching(/ signs, and none is missing$/),
    }),
  )
  const bad = await check('--issuer', 'https://idp.example/', '--keys-env', 'PUBLIC')
  expect(bad.code).toBe(1)
  expect(faults(bad)).toContainEqual(
    expect.objectContaining({ check: 'keys', level: 'problem', finding: expect.stringContaining('cannot be used') }),
  )
  expect(JSON.stringify([good, bad])).not.toContain(d)
  expect(await check('--keys-env', 'IDP_KEYS')).toMatchObject({ code: 64, stdout: '' })
})

test('the certificate of an endpoint is judged as a worker would, and its end warned of', async ({
  database: { pool, url },
}) => {
  const folder = await mkdtemp(join(tmpdir(), 'risc-check-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const authority = await createAuthority()
  const certificate = await authority.issue({ names: ['127.0.0.1'], notAfter: inDays(5.5) })
  const server = createServer(certificate).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await addStream(pool, { id: 'bank', endpoint_url: `https://127.0.0.1:${port}/` })
  await writeFile(join(folder, 'authority.pem'), authority.cert)
  const env = { DATABASE_URL: url, RISC_ALLOW_LOOPBACK: 'true' }

  const trusting = { ...env, NODE_EXTRA_CA_CERTS: join(folder, 'authority.pem') }
  const soon = await finished(spawnCommand(['check', '--stream', 'bank', '--json'], trusting))
  expect(faults(soon)).toContainEqual({
    check: 'stream bank',
    level: 'warning',
    finding: 'TLSv1.3, certificate valid for 5 days',
    advice: expect.stringContaining('renew'),
  })
  const untrusted = await finished(spawnCommand(['check', '--stream', 'bank', '--json'], env))
  expect(faults(untrusted)).toContainEqual(
    expect.objectContaining({
      check: 'stream bank',
      level: 'problem',
      finding: expect.stringContaining('not trusted'),
    }),
  )
  expect([soon.code, untrusted.code]).toEqual([0, 1])
})

/** Takes connections, and says nothing. */
async function openSilentPort(): Promise<number> {
  const sockets = new Set<Socket>()
  const silent = createTcpServer((socket) => void sockets.add(socket)).listen(0, '127.0.0.1')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    silent.close()
  })
  await once(silent, 'listening')
  return (silent.address() as AddressInfo).port
}

test('hosts that never answer do not hold up the others, nor the end of the command', async ({
  database: { pool, url },
  receiver,
}) => {
  const port = await openSilentPort()
  for (let n = 10; n < 40; n++) await addStream(pool, { id: `hangs-${n}`, endpoint_url: `https://127.0.0.1:${port}/` })
  await addStream(pool, { id: 'bank', endpoint_url: (await receiver()).url })
  const env = { DATABASE_URL: url, RISC_ALLOW_LOOPBACK: 'true' }
  const result = await finished(spawnCommand(['check', '--timeout', '1s', '--json'], env))
  const streams = read(result).findings.filter(({ check }) => check.startsWith('stream'))
  expect(streams[0]).toMatchObject({ check: 'stream bank', level: 'ok' })
  expect(streams.slice(1)).toHaveLength(30)
  for (const { level, finding } of streams.slice(1)) {
    expect({ level, finding }).toEqual({ level: 'problem', finding: 'does not let a connection be made in time' })
  }
})

test('a database that takes connections and never answers is given up', async () => {
  const port = await openSilentPort()
  const result = await finished(
    spawnCommand(['check', '--json'], { DATABASE_URL: `postgres://risc@127.0.0.1:${port}/idp` }),
  )
  expect(result.code).toBe(1)
  expect(faults(result)).toMatchObject([{ check: 'database', finding: 'the database cannot be reached' }])
})
