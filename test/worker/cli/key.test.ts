import type { Pool } from 'pg'
import { expect } from 'vitest'
import { test } from '../empty-database.ts'
import { addDeliveries, addStream } from '../rows.ts'
import { finished, runCommand, runJson, spawnCommand } from './command.ts'

const TIME = expect.stringMatching(/^\d{4}-.+Z$/)

/** As settle leaves it. The key of `addDeliveries` is key-1. */
async function accept(pool: Pool, jti: string | undefined, ago = '0 s'): Promise<void> {
  await pool.query(
    `with accepted as (delete from risc.deliveries where jti = $1 returning *)
     insert into risc.history (delivery_id, stream_id, jti, txn, event_type, kid, set_sha256, outcome, attempts, created_at, settled_at)
     select id, stream_id, jti, txn, event_type, kid, risc.set_sha256(signed_set), 'accepted', 1, created_at, now() - $2::interval from accepted`,
    [jti, ago],
  )
}

async function kill(pool: Pool, jti: string | undefined): Promise<void> {
  await pool.query(
    `update risc.deliveries set state = 'dead', dead_because = 'refused', dead_at = now() where jti = $1`,
    [jti],
  )
}

test('key list tells what depends on each key, and until when', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a' })
  const [accepted, dead] = await addDeliveries(pool, 'a', 4)
  await accept(pool, accepted)
  await kill(pool, dead)
  await pool.query(`insert into risc.retired_keys values ('key-0', '2026-01-01Z')`)
  const env = { DATABASE_URL: url }

  expect(await runJson(['key', 'list'], env)).toEqual({
    keys: [
      {
        kid: 'key-0',
        unsettled: 0,
        dead: 0,
        accepted_recently: 0,
        last_accepted_at: null,
        needed_until: null,
        retired_at: '2026-01-01T00:00:00.000Z',
        in_use_again: false,
      },
      {
        kid: 'key-1',
        unsettled: 2,
        dead: 1,
        accepted_recently: 1,
        last_accepted_at: TIME,
        needed_until: TIME,
        retired_at: null,
        in_use_again: false,
      },
    ],
  })
  expect(await runJson(['key', 'list', '--recent', '0s'], env)).toMatchObject({ keys: [{}, { accepted_recently: 0 }] })
  const { code, stdout, stderr } = await finished(spawnCommand(['key', 'list'], env))
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(
    /^KID +UNSETTLED +DEAD +ACCEPTED RECENTLY +NEEDED UNTIL +RETIRED\nkey-0 +0 +0 +0 +- +2026-01-01T00:00:00Z\nkey-1 +2 +1 +1 +20\S+Z +-\n$/,
  )
})

test('no key at all is no data: it says so on stderr', async ({ database }) => {
  const env = { DATABASE_URL: database.url }
  const nothing = { code: 0, stdout: '', stderr: 'nothing depends on any key\n' }
  expect(await runCommand(['key', 'list'], env)).toEqual(nothing)
  expect(await runJson(['key', 'list'], env)).toEqual({ keys: [] })
})

test('key retire refuses while SETs wait, and says how many and until when', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a' })
  await addDeliveries(pool, 'a', 2)
  await pool.query(`update risc.deliveries set created_at = date_trunc('second', now())`)
  const { rows } = await pool.query(`select max(created_at) + interval '72 hours' as until from risc.deliveries`)
  const until = rows[0].until.toISOString().replace('.000', '')
  expect(await finished(spawnCommand(['key', 'retire', 'key-1'], { DATABASE_URL: url }))).toEqual({
    code: 1,
    stdout: '',
    stderr: `risc-worker: key key-1 is still needed until ${until} by SETs that it signed: 2 unsettled\n`,
  })
  expect((await pool.query('select * from risc.retired_keys')).rows).toEqual([])
})

test('key retire refuses while a receiver may verify again, for as long as --recent says', async ({ database }) => {
  const { pool, url } = database
  const env = { DATABASE_URL: url }
  await addStream(pool, { id: 'a' })
  const [jti] = await addDeliveries(pool, 'a')
  await accept(pool, jti, '90 minutes')
  const refused = await runCommand(['key', 'retire', 'key-1', '--recent', '2h'], env)
  expect(refused).toMatchObject({ code: 1, stdout: '' })
  expect(refused.stderr).toMatch(
    /^risc-worker: key key-1 is still needed until 20\S+Z by SETs that it signed: 1 accepted in the last 2h\n$/,
  )
  expect(await runCommand(['key', 'retire', 'key-1', '--recent', '1h'], env)).toEqual({
    code: 0,
    stdout: 'key key-1 retired\n',
    stderr: '',
  })
})

test('key retire refuses for dead letters, however old, and says what to do about them', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a' })
  const [jti] = await addDeliveries(pool, 'a')
  await kill(pool, jti)
  await pool.query(`update risc.deliveries set created_at = now() - interval '1 year'`)
  expect(await runCommand(['key', 'retire', 'key-1'], { DATABASE_URL: url })).toEqual({
    code: 1,
    stdout: '',
    stderr: 'risc-worker: key key-1 is still needed by SETs that it signed: 1 dead, to be retried or re-signed first\n',
  })
})

test('what should have been given up long ago still counts, without a time that has passed', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a', status: 'paused' })
  await addDeliveries(pool, 'a')
  await pool.query(`update risc.deliveries set created_at = now() - interval '1 year'`)
  expect(await runCommand(['key', 'retire', 'key-1'], { DATABASE_URL: url })).toMatchObject({
    code: 1,
    stderr: 'risc-worker: key key-1 is still needed by SETs that it signed: 1 unsettled\n',
  })
})

test('--json prints what a key is needed for, refused or not', async ({ database }) => {
  const { pool, url } = database
  const env = { DATABASE_URL: url }
  await addStream(pool, { id: 'a' })
  const [jti] = await addDeliveries(pool, 'a')
  const refused = await runCommand(['key', 'retire', 'key-1', '--json'], env)
  expect(refused.code).toBe(1)
  expect(JSON.parse(refused.stdout)).toEqual({
    kid: 'key-1',
    retired: false,
    unsettled: 1,
    dead: 0,
    accepted_recently: 0,
    needed_until: TIME,
  })
  await accept(pool, jti)
  expect(await runJson(['key', 'retire', 'key-1', '--recent', '0s'], env)).toEqual({
    kid: 'key-1',
    retired: true,
    unsettled: 0,
    dead: 0,
    accepted_recently: 0,
    needed_until: null,
  })
})

test('a key that signed nothing is a mistake; one that did, however long ago, is not', async ({ database }) => {
  const { pool, url } = database
  const env = { DATABASE_URL: url }
  await addStream(pool, { id: 'a' })
  const [jti] = await addDeliveries(pool, 'a')
  await accept(pool, jti, '30 days')
  expect(await runCommand(['key', 'retire', 'key-2'], env)).toEqual({
    code: 1,
    stdout: '',
    stderr: 'risc-worker: no SET on record was signed by a key key-2: nothing needs it, or it is misspelt\n',
  })
  for (const time of ['once', 'again']) {
    expect(await runCommand(['key', 'retire', 'key-1'], env), time).toMatchObject({ code: 0 })
  }
  expect((await pool.query('select kid from risc.retired_keys')).rows).toEqual([{ kid: 'key-1' }])
})

test('a retired key that signs again is a problem until it is retired again', async ({ database }) => {
  const { pool, url } = database
  const env = { DATABASE_URL: url }
  await addStream(pool, { id: 'a' })
  const [first] = await addDeliveries(pool, 'a')
  await accept(pool, first)
  await runCommand(['key', 'retire', 'key-1', '--recent', '0s'], env)
  expect(await runJson(['key', 'list'], env)).toMatchObject({ keys: [{ accepted_recently: 1, in_use_again: false }] })

  const [second] = await addDeliveries(pool, 'a')
  for (const state of ['unsettled', 'accepted']) {
    if (state === 'accepted') await accept(pool, second)
    expect(await runJson(['key', 'list'], env), state).toMatchObject({ keys: [{ in_use_again: true }] })
    const { stdout, stderr } = await runCommand(['key', 'list'], env)
    expect(stdout).toContain('Z, in use again\n')
    expect(stderr).toBe('key key-1 is retired and in use again: publish it, and look who signs with it\n')
  }
  await runCommand(['key', 'retire', 'key-1', '--recent', '0s'], env)
  expect(await runJson(['key', 'list'], env)).toMatchObject({ keys: [{ in_use_again: false }] })
})

test.each([
  [['key', 'retire']],
  [['key', 'retire', 'a', 'b']],
  [['key', 'list', '--recent', 'soon']],
  [['key', 'list', '--recent', '91d']],
  [['key', 'list', '--recent', '-1s']],
])('%j is misuse', async (argv) => {
  const env = { DATABASE_URL: 'postgres://127.0.0.1:1/idp' }
  expect(await runCommand(argv, env)).toMatchObject({ code: 64, stdout: '' })
})

test.each(['key list', 'key retire'])('%s --help has examples', async (name) => {
  const { code, stdout } = await runCommand([...name.split(' '), '--help'], {})
  expect(code).toBe(0)
  expect(stdout).toMatch(/default:\s+24h/)
  expect(stdout).toContain(`Examples:\n  $ risc-worker ${name}`)
})

test.for(['key list', 'key retire key-1'])(
  'without the schema, %s fails with one line that names the command to run',
  async (command, { empty }) => {
    const { code, stdout, stderr } = await runCommand(command.split(' '), { DATABASE_URL: empty.url })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^risc-worker: the database has no schema risc.* run `risc-worker migrate`\n$/)
  },
)
