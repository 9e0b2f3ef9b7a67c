import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { exportJWK, generateKeyPair } from 'jose'
import { Client } from 'pg'
import { expect } from 'vitest'
import { createProgram } from '../../packages/worker/src/cli/main.ts'
import { printMigrations } from '../../packages/worker/src/print-migrations.ts'
import type { TestDatabase } from '../support/database.ts'
import { runCommand } from '../worker/cli/command.ts'
import { test as withEmpty } from '../worker/empty-database.ts'
import { addDeliveries, addStream, addWorker } from '../worker/rows.ts'
import { test } from './granted.ts'

const { privateKey } = await generateKeyPair('RS256', { extractable: true })
const KEYS = JSON.stringify({ keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig' }] })
const SIGNING = ['--issuer', 'https://idp.example/', '--keys-env', 'IDP_KEYS']

/** Commands that look, each as it is given. */
const LOOKING = [
  ['status'],
  ['status', '--json'],
  ['list'],
  ['list', '--state', 'dead'],
  ['list', '--state', 'accepted'],
  ['show', 'JTI'],
  ['show', '--txn', 'txn-1'],
  ['why', 'JTI'],
  ['stream', 'list'],
  ['stream', 'show', 'bank'],
  ['redrive', 'list'],
  ['redrive', 'watch', 'REDRIVE'],
  ['key', 'list'],
  ['key', 'list', '--recent', '1h'],
]

/** Commands that change something. */
const CHANGING = [
  ['retry', 'JTI'],
  ['retry', '--all-dead'],
  ['redrive', 'cancel', 'REDRIVE'],
  ['redrive', 'resume', 'REDRIVE'],
  ['discard', 'JTI', '--note', 'gone'],
  ['erase', '--user', 'u-1'],
  ['stream', 'add', 'other', '--url', 'https://other.example/'],
  ['stream', 'set', 'bank', '--timeout-ms', '4000'],
  ['stream', 'pause', 'bank'],
  ['stream', 'resume', 'bank'],
  ['stream', 'disable', 'bank'],
  ['stream', 'verify', 'bank', ...SIGNING],
  ['stream', 'remove', 'bank', '--discard', '--note', 'gone'],
  ['key', 'retire', 'key-1'],
]

test('the inspecting role may give each command that looks', async ({ database, roles }) => {
  const names = await outbox(database)
  for (const argv of LOOKING) {
    const result = await runCommand(fill(argv, names), { DATABASE_URL: roles.inspect.url })
    expect(result, argv.join(' ')).toMatchObject({ code: 0, stderr: expect.not.stringContaining('risc-worker:') })
    expect(result.stdout, argv.join(' ')).not.toBe('')
  }
})

test('the inspecting role may ask all that the README asks in SQL', async ({ roles }) => {
  const readme = readFileSync(new URL('../../packages/worker/README.md', import.meta.url), 'utf8')
  const [, section = ''] = /\n## Ten questions, in SQL\n(.*?)\n## /s.exec(readme) ?? []
  const statements = [...section.matchAll(/```sql\n(.*?)```/gs)].map(([, statement = '']) => statement)
  expect(statements).toHaveLength(10)
  const inspector = new Client({ connectionString: roles.inspect.url })
  await inspector.connect()
  try {
    for (const statement of statements) await inspector.query(statement)
  } finally {
    await inspector.end()
  }
})

test('whoever lacks the right to a command is told which role has it, and nothing is changed', async ({
  database,
  roles,
}) => {
  const names = await outbox(database)
  const before = await everything(database)
  for (const role of [roles.enqueue, roles.inspect, roles.work, roles.nobody]) {
    const env = { DATABASE_URL: role.url, IDP_KEYS: KEYS }
    for (const argv of CHANGING) {
      const { code, stdout, stderr } = await runCommand(fill(argv, names), env)
      expect({ code, stdout }, argv.join(' ')).toEqual({ code: 1, stdout: '' })
      expect(stderr, argv.join(' ')).toMatch(
        /^risc-worker: the role in DATABASE_URL may not do this: `.+` needs the role that owns the schema risc\n$/,
      )
    }
    if (role === roles.inspect) continue
    const mayAskForKeys = role === roles.work // for `check`
    for (const argv of LOOKING.filter(([name]) => !(mayAskForKeys && name === 'key'))) {
      const { code, stderr } = await runCommand(fill(argv, names), env)
      expect({ argv, code }).toEqual({ argv, code: 1 })
      expect(stderr, argv.join(' ')).toContain('needs a role with the grant inspect')
    }
  }
  for (const role of [roles.enqueue, roles.inspect, roles.nobody]) {
    const { code, stderr } = await runCommand(['run'], { DATABASE_URL: role.url })
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('needs a role with the grant work') })
  }
  expect(await everything(database)).toEqual(before)
})

test('check finds nothing amiss with a worker’s role, and what another lacks', async ({ database, roles }) => {
  await addWorker(database.pool)
  const check = async (url: string) => {
    const { stdout } = await runCommand(['check', '--json'], { DATABASE_URL: url })
    return JSON.parse(stdout).findings as { check: string; level: string; finding: string; advice: string }[]
  }
  expect((await check(roles.work.url)).filter(({ level }) => level !== 'ok')).toEqual([])
  const [first] = (await check(roles.inspect.url)).filter(({ level }) => level === 'problem')
  expect(first).toMatchObject({
    finding: expect.stringContaining('may not'),
    advice: expect.stringContaining('--grant-work'),
  })
})

test('every command that asks the database is among them', () => {
  const given = new Set(
    [...LOOKING, ...CHANGING].map((argv) =>
      argv
        .filter((word) => /^[a-z]+$/.test(word))
        .slice(0, 2)
        .join(' '),
    ),
  )
  const all = createProgram({} as never).commands.flatMap((command) =>
    command.commands.length === 0 ? [command.name()] : command.commands.map((sub) => `${command.name()} ${sub.name()}`),
  )
  const untold = all.filter((name) => ![...given].some((told) => told === name || told.startsWith(`${name} `)))
  expect(untold).toEqual([
    'run',
    'migrate',
    'check',
    'credential list',
    'credential new-key',
    'credential reseal',
    'receive',
    'completion',
    'stream-ids',
  ])
})

withEmpty('migrate grants what it is told, names it, and takes any name for a name', async ({ empty }) => {
  const role = `risc_${randomBytes(4).toString('hex')} "x'; drop schema risc; --`
  await empty.pool.query(`create role "${role.replaceAll('"', '""')}"`)
  try {
    const argv = ['migrate', '--grant-enqueue', role, '--grant-inspect', role]
    const first = await runCommand(argv, { DATABASE_URL: empty.url })
    expect(first).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^\d+ migrations applied, \d+ rights granted\n$/),
    })
    expect(first.stdout).toContain(`grant execute on function risc.enqueue to "${role.replaceAll('"', '""')}"\n`)
    expect(await runCommand(argv, { DATABASE_URL: empty.url })).toEqual({
      code: 0,
      stdout: '',
      stderr: 'nothing to do\n',
    })
  } finally {
    const quoted = `"${role.replaceAll('"', '""')}"`
    await empty.pool.query(`drop owned by ${quoted}; drop role ${quoted}`)
  }
})

withEmpty('a role that there is not is told before anything is changed', async ({ empty }) => {
  const argv = ['migrate', '--grant-work', 'risc_no_such_role', '--grant-enqueue', 'risc_nor_this']
  expect(await runCommand(argv, { DATABASE_URL: empty.url })).toEqual({
    code: 1,
    stdout: '',
    stderr:
      'risc-worker: there is no role "risc_no_such_role", "risc_nor_this": create it first, nothing was changed\n',
  })
  const { rows } = await empty.pool.query(
    `select to_regnamespace('risc') as risc, to_regnamespace('risc_worker') as worker`,
  )
  expect(rows).toEqual([{ risc: null, worker: null }])
  const printed = await runCommand(['migrate', '--print', '--grant-work', "it's nobody"], {})
  await expect(empty.pool.query(printed.stdout)).rejects.toThrow("there is no role it's nobody")
})

withEmpty('the printed script grants as migrate does', async ({ admin, empty }) => {
  const role = `risc_printed_${randomBytes(4).toString('hex')}`
  await admin.query(`create role ${role}`)
  try {
    await empty.pool.query(printMigrations([{ grant: 'work', role }]))
    const { rows } = await empty.pool.query(`select * from risc.missing_rights('work', $1)`, [role])
    expect(rows).toEqual([])
  } finally {
    await empty.pool.query(`drop owned by ${role}; drop role ${role}`)
  }
})

/** Something for each command to find. */
async function outbox({ pool }: TestDatabase): Promise<Record<string, string>> {
  await addStream(pool, { id: 'bank' })
  const [jti = ''] = await addDeliveries(pool, 'bank', 2)
  await addDeliveries(pool, 'bank', 2)
  await pool.query(
    `update risc.deliveries set state = 'dead', dead_because = 'refused', dead_at = now() where id % 2 = 0`,
  )
  await pool.query(`insert into risc.history (delivery_id, stream_id, jti, txn, event_type, kid, set_sha256, outcome, attempts, created_at)
    values (0, 'bank', 'settled', 'txn-1', 'https://events.example/changed', 'key-1', '\\x00', 'accepted', 1, now())`)
  await addWorker(pool)
  const { rows } = await pool.query(
    `select risc.start_redrive(row (null, null, null, null, now())::risc.dead_filter, 1, 'me') as id`,
  )
  await pool.query('select risc.cancel_redrive($1, $2)', [rows[0].id, 'me']) // or who watches it would wait
  return { JTI: jti, REDRIVE: rows[0].id }
}

function fill(argv: readonly string[], names: Readonly<Record<string, string>>): string[] {
  return argv.map((word) => names[word] ?? word)
}

/** What a command that changes something would change. */
async function everything({ query }: TestDatabase): Promise<unknown[]> {
  const tables = ['streams', 'subjects', 'deliveries', 'history', 'redrives', 'redrive_streams', 'retired_keys']
  return Promise.all(tables.map(async (table) => (await query(`select * from risc.${table} t order by t::text`)).rows))
}
