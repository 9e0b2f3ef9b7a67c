import { expect } from 'vitest'
import { test } from '../../support/test.ts'
import { addDeadLetters, turn } from '../dead-letters.ts'
import { addDeliveries, addStream, addWorker, dispatch } from '../rows.ts'
import { finished, runCommand, runJson, spawnCommand } from './command.ts'

test('a dead letter is sent again, with all its attempts', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a' })
  const [jti = ''] = await addDeadLetters(pool, 'a')
  const result = await finished(spawnCommand(['retry', jti], { DATABASE_URL: url }))
  expect(result).toEqual({ code: 0, stdout: '1 sent again\n', stderr: '' })
  expect((await pool.query('select state, attempts from risc.pending')).rows).toEqual([
    { state: 'queued', attempts: 0 },
  ])
})

test('a delivery that waits is due at once', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a' })
  const [jti = ''] = await addDeliveries(pool, 'a')
  await pool.query(`update risc.deliveries set due_at = now() + interval '1 hour', attempts = 2`)
  expect(await runJson(['retry', jti], { DATABASE_URL: url })).toEqual({ retried: 1, untouched: [], unknown: [] })
  expect((await pool.query('select due_at <= now() as due, attempts from risc.pending')).rows).toEqual([
    { due: true, attempts: 2 },
  ])
})

test('unknown deliveries are named and fail the command; the others are sent again', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a' })
  const [jti = ''] = await addDeadLetters(pool, 'a')
  expect(await runCommand(['retry', 'nobody', jti, 'nothing', jti], { DATABASE_URL: url })).toEqual({
    code: 1,
    stdout: '1 sent again\n',
    stderr: 'risc-worker: not waiting and not dead: nobody, nothing\n',
  })
})

test('what is in flight is left alone and named', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a' })
  await addWorker(pool)
  const [jti = ''] = await addDeliveries(pool, 'a')
  await dispatch(pool)
  expect(await runCommand(['retry', jti], { DATABASE_URL: url })).toEqual({
    code: 0,
    stdout: '0 sent again\n',
    stderr: `in flight already: ${jti}\n`,
  })
})

test('a dead letter that cannot be sent again is not said to be, and stays one', async ({
  database: { pool, url },
}) => {
  const env = { DATABASE_URL: url }
  await addStream(pool, { id: 'agency', profile: 'login.gov' })
  await addStream(pool, { id: 'ended', status: 'disabled' })
  const [old = ''] = await addDeadLetters(pool, 'agency', 1, { age: '13 hours' })
  const [disabled = ''] = await addDeadLetters(pool, 'ended')
  const result = await runCommand(['retry', old, disabled], env)
  expect(result).toMatchObject({ code: 1, stdout: '0 sent again\n' })
  expect(result.stderr.split('\n').toSorted()).toEqual([
    '',
    `cannot be sent again, its stream is disabled: ${disabled}`,
    `cannot be sent again, the exp of its SET has passed: ${old}`,
    'risc-worker: not all were sent again',
  ])
  const { stdout } = await runCommand(['retry', old, '--json'], env)
  expect(JSON.parse(stdout)).toEqual({ retried: 0, untouched: [{ jti: old, because: 'exp_passed' }], unknown: [] })
  expect((await pool.query('select from risc.dead')).rowCount).toBe(2)
})

test('--dead begins a redrive, and says of how many, for how long, how to see and how to stop it', async ({
  database: { pool, url },
}) => {
  const env = { DATABASE_URL: url, USER: 'alice' }
  await addStream(pool, { id: 'partner-a', rate_limit: 1200, rate_interval: '60 s' })
  await addStream(pool, { id: 'partner-b' })
  await addDeadLetters(pool, 'partner-a', 1200)
  await addDeadLetters(pool, 'partner-b')
  const { code, stdout, stderr } = await runCommand(['retry', '--dead', '--stream', 'partner-a'], env)
  expect(code).toBe(0)
  expect(stdout).toBe(
    [
      'STREAM     DEAD  TO BE SENT  RATE     TAKES',
      'partner-a  1200        1200  300/min  4m',
      'redrive 1 sends 1200 dead letters of partner-a again, in about 4m',
      '',
    ].join('\n'),
  )
  expect(stderr).toBe(
    [
      'see `risc-worker redrive watch 1`; stop it by `risc-worker redrive cancel 1`',
      'no worker is alive: it begins when one is',
      '',
    ].join('\n'),
  )
  expect((await pool.query('select created_by from risc.redrives')).rows).toEqual([{ created_by: 'alice@host-1' }])
  expect((await pool.query('select from risc.dead')).rowCount).toBe(1201)
})

test('--dry-run says the same and begins nothing', async ({ database: { pool, url } }) => {
  const env = { DATABASE_URL: url }
  await addStream(pool, { id: 'a' })
  await addStream(pool, { id: 'agency', profile: 'login.gov' })
  await addStream(pool, { id: 'ended', status: 'disabled' })
  await addDeadLetters(pool, 'a', 100)
  await addDeadLetters(pool, 'agency', 7, { age: '13 hours' })
  await addDeadLetters(pool, 'ended', 5)
  const { stdout, stderr } = await runCommand(['retry', '--all-dead', '--rate', '10/s', '--dry-run'], env)
  expect(stdout).toMatch(/\nwould send 100 dead letters of a again, in about 10s\n$/)
  expect(stderr).toBe('7 cannot be sent, the exp of their SET has passed\n5 cannot be sent, their stream is disabled\n')
  expect(await runJson(['retry', '--all-dead', '--rate', '600/min', '--dry-run'], env)).toMatchObject({
    redrive: null,
    to_send: 100,
    exp_passed: 7,
    stream_disabled: 5,
    seconds: 10,
    streams: [{ stream_id: 'a', total: 100, per_second: 10 }, { stream_id: 'agency' }, { stream_id: 'ended' }],
  })
  expect((await pool.query('select from risc.redrives')).rowCount).toBe(0)
})

test('where nothing fits nothing begins', async ({ database: { pool, url } }) => {
  await addStream(pool, { id: 'a', status: 'disabled' })
  await addDeadLetters(pool, 'a', 3)
  expect(await runCommand(['retry', '--all-dead'], { DATABASE_URL: url })).toEqual({
    code: 0,
    stdout: 'nothing to send again\n',
    stderr: '3 cannot be sent, their stream is disabled\n',
  })
  expect((await pool.query('select from risc.redrives')).rowCount).toBe(0)
})

test('stream, event, reason and time of death narrow it down, all together', async ({ database: { pool, url } }) => {
  const env = { DATABASE_URL: url }
  const disabled = 'https://schemas.openid.net/secevent/risc/event-type/account-disabled'
  const fits = { eventType: disabled, reason: 'timeout', ago: '5 hours' }
  await addWorker(pool)
  await addStream(pool, { id: 'a' })
  await addStream(pool, { id: 'b' })
  const [wanted] = await addDeadLetters(pool, 'a', 1, fits)
  await addDeadLetters(pool, 'b', 1, fits)
  await addDeadLetters(pool, 'a', 1, { ...fits, eventType: 'https://events.example/other' })
  await addDeadLetters(pool, 'a', 1, { ...fits, reason: 'server_error' })
  await addDeadLetters(pool, 'a', 1, { ...fits, ago: '7 hours' })
  await addDeadLetters(pool, 'a', 1, { ...fits, ago: '3 hours' })
  const filter = [
    '--stream',
    'a',
    '--event',
    'account-disabled',
    '--reason',
    'timeout',
    '--since',
    '6h',
    '--until',
    '4h',
  ]
  expect(await runJson(['retry', '--dead', ...filter], env)).toMatchObject({ redrive: 1, to_send: 1 })
  await turn(pool)
  expect((await pool.query('select jti from risc.pending')).rows).toEqual([{ jti: wanted }])

  expect(await runJson(['retry', '--dead', '--reason', 'exhausted', '--dry-run'], env)).toMatchObject({ to_send: 5 })
  const { rows } = await pool.query(`select to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as now`)
  const [now] = rows.map((row) => row.now)
  expect(await runJson(['retry', '--dead', '--since', now, '--dry-run'], env)).toMatchObject({ to_send: 0 })
  expect(await runJson(['retry', '--dead', '--until', now, '--dry-run'], env)).toMatchObject({ to_send: 5 })
})

test('a second redrive of the same stream fails and says why', async ({ database: { pool, url } }) => {
  const env = { DATABASE_URL: url }
  await addStream(pool, { id: 'a' })
  await addDeadLetters(pool, 'a', 3)
  await runJson(['retry', '--all-dead'], env)
  expect(await runCommand(['retry', '--dead', '--stream', 'a'], env)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('redrive list'),
  })
})

test.each([
  [[]],
  [['jti-1', '--all-dead']],
  [['--dead', '--all-dead', '--stream', 'a']],
  [['--dead']],
  [['--stream', 'a']],
  [['--all-dead', '--stream', 'a']],
  [['jti-1', '--dry-run']],
  [['jti-1', '--rate', '1/s']],
  [['--all-dead', '--rate', '0/s']],
  [['--all-dead', '--rate', '10']],
  [['--dead', '--since', 'yesterday']],
  [['--dead', '--since', '2026-02-30']],
  [['--dead', '--until', '2026-03-01T10:00']],
  [['--dead', '--event', 'acount-disabled']],
])('retry %j is misuse', async (argv) => {
  const env = { DATABASE_URL: 'postgres://127.0.0.1:1/idp' }
  expect(await runCommand(['retry', ...argv], env)).toMatchObject({ code: 64, stdout: '' })
})

test('the dead letters of a stream that does not exist are a mistake', async ({ database }) => {
  expect(await runCommand(['retry', '--dead', '--stream', 'a'], { DATABASE_URL: database.url })).toMatchObject({
    code: 1,
  })
})
