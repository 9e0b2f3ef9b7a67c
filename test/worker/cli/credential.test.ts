import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Pool } from 'pg'
import { readConfig } from 'risc-worker'
import { describe, expect } from 'vitest'
import { bindCredential } from '../../../packages/worker/src/credential-binding.ts'
import { kidOf, openSealed, sealCredential } from '../../../packages/worker/src/sealed-credential.ts'
import { createAuthority } from '../../support/certificates.ts'
import { test } from '../../support/test.ts'
import { until } from '../../support/until.ts'
import { addStream, openStored } from '../rows.ts'
import { loadKeys, TEST_KEY, TEST_KEY_SET } from '../test-keys.ts'
import { runCommand, runJson } from './command.ts'

interface KeySet {
  readonly keys: readonly [{ readonly kid: string; readonly k: string }]
}

const tokenEndpoint = undefined

/** A new key in front of the one that the tests seal with. */
async function newKeys(): Promise<{ readonly kid: string; readonly both: string; readonly alone: string }> {
  const made = await runJson<KeySet>(['credential', 'new-key'], {})
  const both = JSON.stringify({ keys: [...made.keys, ...JSON.parse(TEST_KEY_SET).keys] })
  return { kid: made.keys[0].kid, both, alone: JSON.stringify(made) }
}

/** Moves where a stream's SETs go as somebody does who can write the row. */
function moveUrl(pool: Pool, streamId: string): Promise<unknown> {
  return pool.query(`update risc.streams set endpoint_url = 'https://elsewhere.example/' where id = $1`, [streamId])
}

test('a new key is one that a worker takes, and another each time', async ({ onTestFinished }) => {
  const [first, second] = [await runCommand(['credential', 'new-key'], {}), await newKeys()]
  const directory = await mkdtemp(join(tmpdir(), 'risc-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const file = join(directory, 'credential-keys.json')
  await writeFile(file, first.stdout)
  const DATABASE_URL = 'postgres://risc@db.example/idp'
  const { credentials } = readConfig({ DATABASE_URL, RISC_CREDENTIAL_KEYS_FILE: file }, { name: 'a' })
  const { kid } = JSON.parse(first.stdout).keys[0]
  expect(credentials.keys.active?.kid).toBe(kid)
  expect(second.kid).not.toBe(kid)
  expect(second.alone).not.toContain(JSON.parse(first.stdout).keys[0].k)
})

test('credential list tells by what each is kept, and nothing of it', async ({ database: { pool, url } }) => {
  const env = { DATABASE_URL: url }
  expect(await runCommand(['credential', 'list'], env)).toEqual({
    code: 0,
    stdout: '',
    stderr: 'no stream has a credential\n',
  })
  await addStream(pool, { id: 'a', credential: 'Bearer s3cret' })
  await addStream(pool, { id: 'b', client_certificate: 'cert', client_private_key: 'key' })
  await addStream(pool, { id: 'c' })
  await addStream(pool, { id: 'd' })
  await pool.query(
    `update risc.streams set credential = 'file:partner-c.credential@https://partner.example' where id = 'c'`,
  )
  await pool.query(
    `update risc.streams set credential = 'e30..AAAAAAAAAAAAAAAA.AA.AAAAAAAAAAAAAAAAAAAAAA' where id = 'd'`,
  )
  expect(await runCommand(['credential', 'list'], env)).toEqual({
    code: 0,
    stderr: '',
    stdout: [
      'STREAM  USE                 KEPT    BY',
      'a       credential          sealed  test-key',
      'b       client_private_key  sealed  test-key',
      'c       credential          file    partner-c.credential',
      'd       credential          sealed',
      '',
    ].join('\n'),
  })
  expect(await runJson(['credential', 'list'], env)).toEqual({
    credentials: [
      { stream_id: 'a', use: 'credential', kept: 'sealed', by: 'test-key' },
      { stream_id: 'b', use: 'client_private_key', kept: 'sealed', by: 'test-key' },
      { stream_id: 'c', use: 'credential', kept: 'file', by: 'partner-c.credential' },
      { stream_id: 'd', use: 'credential', kept: 'sealed', by: null },
    ],
  })
})

test('check says of a credential that cannot be used why, and what to do', async ({ database: { pool, url } }) => {
  const authority = await createAuthority()
  const [one, other] = [await authority.issue({}), await authority.issue({})]
  await addStream(pool, { id: 'fine', credential: 'Bearer s3cret' })
  await addStream(pool, { id: 'moved', credential: 'Bearer s3cret' })
  await moveUrl(pool, 'moved')
  await addStream(pool, { id: 'no-file' })
  await pool.query(
    `update risc.streams set credential = 'file:gone.credential@https://partner.example' where id = 'no-file'`,
  )
  await addStream(pool, { id: 'unfit', client_certificate: one.cert, client_private_key: other.key })
  const env = { DATABASE_URL: url, RISC_CREDENTIALS_DIRECTORY: tmpdir(), RISC_DNS_SERVERS: '127.0.0.1:1' }
  const check = async (keys: string | undefined) => {
    const { stdout } = await runCommand(['check', '--timeout', '1s', '--json'], { ...env, RISC_CREDENTIAL_KEYS: keys })
    const { findings } = JSON.parse(stdout)
    return findings.filter(({ finding }: { finding: string }) => /its (credential|client key)/.test(finding))
  }
  const problem = (id: string, finding: string, advice: string) => ({
    check: `stream ${id}`,
    level: 'problem',
    finding: expect.stringContaining(finding),
    advice: expect.stringContaining(advice),
  })
  expect(await check(TEST_KEY_SET)).toEqual([
    problem('moved', 'credential was given for another stream or origin', '--keep-authorization'),
    problem('no-file', 'credential is not where it refers to', 'put the file or variable there'),
    problem('unfit', 'client key is empty, too long, or nothing that can be used as one', 'correct'),
  ])
  expect(await check(undefined)).toEqual([
    problem('fine', 'credential is sealed by a key that is not here', 'give this environment all keys of the workers'),
    problem('moved', 'is sealed by a key that is not here', 'all keys'),
    problem('no-file', 'is not where it refers to', 'put the file'),
    problem('unfit', 'client key is sealed by a key that is not here', 'all keys'),
  ])
})

test('a credential is kept for another origin only by who has its key, and the refusal says what to do', async ({
  database: { pool, url },
}) => {
  await addStream(pool, { id: 'a', credential: 'Bearer s3cret' })
  const set = ['stream', 'set', 'a', '--url', 'https://new.example/', '--keep-authorization']
  expect(await runCommand(set, { DATABASE_URL: url })).toEqual({
    code: 1,
    stdout: '',
    stderr:
      'risc-worker: the credential cannot be kept, as it cannot be opened here (no_such_key): set the keys of the workers, or give it anew\n',
  })
  expect(await openStored(pool, 'a')).toBe('Bearer s3cret')
})

test('reseal tells what is bound elsewhere from what needs a key that is not here, and leaves both as they are', async ({
  database: { pool, url },
}) => {
  await addStream(pool, { id: 'a', credential: 'Bearer s3cret' })
  await addStream(pool, { id: 'b', credential: 'Bearer s3cret' })
  await moveUrl(pool, 'b')
  const { kid, both, alone } = await newKeys()
  const stored = async () => (await pool.query('select credential from risc.streams order by id')).rows
  const before = await stored()
  const reseal = (keys: string, ...more: string[]) =>
    runCommand(['credential', 'reseal', ...more], { DATABASE_URL: url, RISC_CREDENTIAL_KEYS: keys })
  expect(await reseal(alone)).toEqual({
    code: 1,
    stdout: `0 sealed anew with key ${kid}\n`,
    stderr: 'risc-worker: not sealed anew:\n  a, b: 2 by key test-key, which is not here\n',
  })
  expect(await stored()).toEqual(before)
  const { code, stdout, stderr } = await reseal(both, '--json')
  expect(code).toBe(1)
  expect(stderr).toContain('  b: 1 by key test-key, for another stream or origin: give it anew')
  expect(JSON.parse(stdout)).toEqual({
    kid,
    resealed: 1,
    left: [{ by: 'test-key', cause: 'bound_elsewhere', count: 1, stream_ids: ['b'] }],
  })
  expect((await stored())[1]).toEqual(before[1])
})

describe('while credentials are sealed anew', () => {
  test('two operators who seal anew at once seal each credential once, and lose none', async ({
    database: { pool, url },
  }) => {
    const ids = Array.from({ length: 450 }, (_, n) => `stream-${n}`)
    for (const id of ids) await addStream(pool, { id, credential: `Bearer s3cret of ${id}` })
    const { kid, both } = await newKeys()
    const env = { DATABASE_URL: url, RISC_CREDENTIAL_KEYS: both }
    const reseal = () => runJson<{ resealed: number; left: unknown[] }>(['credential', 'reseal'], env)
    const [one, other] = await Promise.all([reseal(), reseal()])
    expect([one.left, other.left, one.resealed + other.resealed]).toEqual([[], [], ids.length])
    const { rows } = await pool.query('select id, endpoint_url, credential from risc.streams')
    for (const { id, endpoint_url: endpointUrl, credential } of rows) {
      expect(kidOf(credential)).toBe(kid)
      const opened = await openSealed(credential, bindCredential(id, { endpointUrl, tokenEndpoint }), loadKeys(both))
      expect(opened).toEqual({ kind: 'opened', value: `Bearer s3cret of ${id}` })
    }
  })

  test('a credential that somebody sets at that moment stays as they set it, and is sealed anew too', async ({
    database: { pool, url },
  }) => {
    await addStream(pool, { id: 'a', credential: 'Bearer s3cret' })
    const binding = bindCredential('a', { endpointUrl: 'https://partner.example/', tokenEndpoint })
    const { both } = await newKeys()
    const setting = await pool.connect()
    await setting.query('begin')
    await setting.query('update risc.streams set credential = $1', [
      await sealCredential('Bearer hunter2', binding, TEST_KEY),
    ])
    const env = { DATABASE_URL: url, RISC_CREDENTIAL_KEYS: both }
    const resealing = runJson(['credential', 'reseal'], env)
    await until(async () => {
      const { rowCount } = await pool.query(`select from pg_stat_activity where wait_event_type = 'Lock'
        and datname = current_database() and query like 'select risc.reseal%'`)
      return rowCount === 1 || undefined
    }, 'the command to wait for the row that it has read')
    await setting.query('commit')
    setting.release()
    expect(await resealing).toMatchObject({ resealed: 1, left: [] })
    const { rows } = await pool.query('select credential from risc.streams')
    expect(await openSealed(rows[0].credential, binding, loadKeys(both))).toEqual({
      kind: 'opened',
      value: 'Bearer hunter2',
    })
  })
})
