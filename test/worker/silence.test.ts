import { randomBytes } from 'node:crypto'
import type { Pool } from 'pg'
import { Registry } from 'prom-client'
import { signSet } from 'risc-set'
import { expect } from 'vitest'
import type { Environment } from '../../packages/worker/src/config.ts'
import { keys, privateJwks } from '../outbox/idp.ts'
import { until } from '../support/until.ts'
import { runCommand } from './cli/command.ts'
import { everyColumn } from './cli/every-column.ts'
import { LEAVES } from './cli/leaves.ts'
import { test } from './pushing.ts'
import { addStream } from './rows.ts'
import { TEST_KEY_SET } from './test-keys.ts'

/** How each command is given, in an order in which each has something to show, and none waits for long. */
const LINES: Readonly<Record<string, (known: Known) => readonly string[]>> = {
  migrate: () => [],
  check: () => ['--timeout', '2s'],
  status: () => [],
  list: () => [],
  show: ({ jti }) => [jti],
  why: ({ jti }) => [jti],
  retry: ({ jti }) => [jti],
  'redrive list': () => [],
  'redrive cancel': ({ redrive }) => [redrive],
  'redrive watch': ({ redrive }) => [redrive],
  'redrive resume': ({ redrive }) => [redrive],
  'stream add': () => ['new', '--url', 'https://partner.example/', '--authorization-env', 'HEADER'],
  'stream list': () => [],
  'stream show': () => ['header'],
  'stream set': () => ['header', '--authorization-env', 'HEADER'],
  'stream pause': () => ['header'],
  'stream resume': () => ['header'],
  'stream verify': () => ['header', '--issuer', 'https://idp.example/', '--keys-env', 'KEYS'],
  'stream disable': () => ['header'],
  'stream remove': () => ['certificate', '--discard', '--note', 'over', '--wait', '1s'],
  'key list': () => [],
  'key retire': () => ['key-1'],
  'credential list': () => [],
  'credential new-key': () => [],
  'credential reseal': () => [],
  discard: ({ jti }) => [jti, '--note', 'over'],
  erase: () => ['--user', 'u-1', '--wait', '1s'],
  run: () => [],
  receive: () => ['--port', '0', '--issuer', 'https://idp.example/', '--audience', 'a', '--keys-env', 'KEYS'],
  completion: () => ['bash'],
}

interface Known {
  readonly jti: string
  readonly redrive: string
}

test('no secret that a stream or a SET holds is shown by any command, view, log line, metric or statement', async ({
  authority,
  database: { pool, url },
  receiver,
  start,
}) => {
  const { jwt, ...canaries } = await makeCanaries()
  const { header, client, person } = canaries
  const { cert, key } = await authority.issue({})
  const bank = await receiver(({ headers, body }) => ({
    status: 400,
    body: JSON.stringify({ err: 'invalid_request', description: `not ${headers.authorization} ${body} ${person}` }),
  }))
  const login = await receiver(({ headers, body }) => ({
    status: 401,
    body: JSON.stringify({ error: 'invalid_client', error_description: `not ${headers.authorization} ${body}` }),
  }))
  const request = { client_id: 'risc', client_authentication: 'client_secret_post', token_endpoint: login.url }
  await addStream(pool, { id: 'header', endpoint_url: bank.url, credential: `Bearer ${header}` })
  await addStream(pool, {
    id: 'oauth',
    endpoint_url: bank.url,
    credential: client,
    token_request: JSON.stringify(request),
  })
  await addStream(pool, {
    id: 'certificate',
    endpoint_url: 'https://127.0.0.1:1/',
    allowed_ports: [1],
    client_certificate: cert,
    client_private_key: key,
  })
  await addStream(pool, { id: 'moved', credential: `Bearer ${header}` })
  await pool.query(`update risc.streams set endpoint_url = $1 where id = 'moved'`, [login.url])
  await addPerson(pool, person, jwt)

  const said = new Map<string, string>()
  const registry = new Registry()
  const worker = start({}, { registry })
  await until(async () => {
    const { rows } = await pool.query('select distinct stream_id from risc.attempts')
    return rows.length === 4 || undefined
  }, 'an attempt of each stream')
  await noteDatabase(pool, said)
  said.set('/metrics', await registry.metrics())
  await noteCommands(pool, said, { DATABASE_URL: url, HEADER: `Bearer ${header}` })
  await noteDatabase(pool, said)
  await worker.stop()
  said.set('the log', JSON.stringify(worker.logged))

  const secrets = {
    credential: spellings(header),
    'client secret': spellings(client),
    'client key': key.split('\n').slice(1, -2),
    SET: jwt.split('.').slice(1),
    subject: spellings(person),
  }
  const shown = Object.entries(secrets).flatMap(([kind, spelt]) =>
    [...said].flatMap(([where, text]) => (spelt.some((one) => text.includes(one)) ? [`${kind} in ${where}`] : [])),
  )
  expect(shown).toEqual([])
  for (const error of ['invalid_request', 'token_refused', 'connection_refused', 'credential_unavailable']) {
    expect(said.get('the log')).toContain(error)
  }
})

async function makeCanaries() {
  const canary = (kind: string): string => `${kind}-${randomBytes(12).toString('hex')}`
  const person = canary('person')
  const { jwt } = await signSet(
    {
      iss: 'https://idp.example/',
      iat: 1,
      jti: 'a',
      aud: 'a',
      sub_id: { format: 'email', email: `${person}@mail.example` },
      events: { 'https://events.example/changed': {} },
    },
    keys,
  )
  return { header: canary('header'), client: canary('client'), person, jwt }
}

/** Links somebody to every stream, and owes each three SETs about them. */
async function addPerson(pool: Pool, person: string, jwt: string): Promise<void> {
  const subject = JSON.stringify({ format: 'email', email: `${person}@mail.example` })
  await pool.query(`insert into risc.subjects (user_id, stream_id, subject) select 'u-1', id, $1 from risc.streams`, [
    subject,
  ])
  await pool.query(
    `insert into risc.deliveries (stream_id, jti, txn, event_type, kid, signed_set)
     select id, md5(id || n), 'txn-1', 'https://events.example/changed', 'key-1', $1
     from risc.streams, generate_series(1, 3) n`,
    [jwt],
  )
}

/** Runs every command that there is, as people and as scripts do. */
async function noteCommands(pool: Pool, said: Map<string, string>, given: Environment): Promise<void> {
  const settings = { RISC_ALLOW_LOOPBACK: 'true', RISC_LOG_LEVEL: 'trace', RISC_CREDENTIAL_KEYS: TEST_KEY_SET }
  const env = { ...given, ...settings, KEYS: JSON.stringify(privateJwks) }
  const { rows: dead } = await pool.query('select jti from risc.dead order by jti')
  await runCommand(['retry', '--all-dead', '--rate', '1/min'], env)
  expect(new Set(Object.keys(LINES))).toEqual(new Set(LEAVES.map(({ name }) => name)))
  for (const [name, lineOf] of Object.entries(LINES)) {
    const options = LEAVES.find((leaf) => leaf.name === name)?.command.options ?? []
    const line = [...name.split(' '), ...lineOf({ jti: dead[0].jti, redrive: '1' })]
    for (const argv of options.some(({ long }) => long === '--json') ? [line, [...line, '--json']] : [line]) {
      const { code, stdout, stderr } = await runCommand(argv, env, {
        onSignal: (listener) => void setTimeout(() => listener('SIGTERM'), 200), // for those that go on
      })
      expect([0, 1], `${argv.join(' ')}: ${stderr}`).toContain(code)
      expect(stdout + stderr, argv.join(' ')).not.toBe('')
      said.set(argv.join(' '), stdout + stderr)
    }
  }
}

/** As it is, and as it may be encoded on the way. */
function spellings(text: string): string[] {
  return [
    text,
    ...[0, 1, 2].map((offset) =>
      Buffer.from(`${'-'.repeat(offset)}${text}`)
        .toString('base64')
        .slice(4, -4),
    ),
  ]
}

/** What can be read in the database by whoever reads no table that SETs, subjects or credentials are kept in. */
async function noteDatabase(pool: Pool, said: Map<string, string>): Promise<void> {
  const { rows: views } = await pool.query(
    `select relname from pg_class where relnamespace = 'risc'::regnamespace and relkind = 'v'`,
  )
  expect(views.length).toBeGreaterThan(4)
  for (const { relname } of views) {
    const { rows } = await pool.query(`select v::text as row from risc.${relname} v`)
    said.set(`risc.${relname}`, rows.map(({ row }) => row).join('\n'))
  }
  for (const [table, rows] of await everyColumn(pool)) {
    if (!['risc.deliveries', 'risc.subjects'].includes(table)) said.set(table, rows.join('\n'))
  }
  const { rows: statements } = await pool.query('select query from pg_stat_activity where datname = current_database()')
  said.set('pg_stat_activity', statements.map(({ query }) => query).join('\n'))
}
