import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { test } from '../../support/test.ts'
import { addDeliveries, addStream, addWorker, claim, dispatch, settle, tickets } from '../rows.ts'
import { runCommand, runJson } from './command.ts'

interface Shown {
  readonly deliveries: readonly Readonly<Record<string, unknown>>[]
}

const time = expect.stringMatching(/^\d{4}-.+Z$/)

test('show has all that is recorded of a delivery, from its enqueueing to the proof of its arrival', async ({
  database: { pool, url },
}) => {
  await addStream(pool, { id: 'bank' })
  const worker = await addWorker(pool)
  const [jti = ''] = await addDeliveries(pool, 'bank')
  const show = async () => (await runJson<Shown>(['show', jti], { DATABASE_URL: url })).deliveries
  const nothing = {
    retried_at: null,
    dispatched_at: null,
    probe: null,
    worker: null,
    claimed_at: null,
    first_failed_at: null,
    last_attempt_at: null,
    status: null,
    reason: null,
    description: null,
    dead_because: null,
    dead_at: null,
    settled_at: null,
    connected_to: null,
    certificate_sha256: null,
    set_sha256: null,
    not_accepted: [],
  }
  const event_type = 'https://events.example/changed'
  const always = { jti, stream_id: 'bank', event_type, txn: 'txn-1', kid: 'key-1', created_at: time }
  const owed = { urgent: false, attempts: 0, due_at: time, expires_at: time }
  expect(await show()).toEqual([{ ...nothing, ...always, ...owed, state: 'queued' }])

  await dispatch(pool)
  await claim(pool, worker, await tickets(pool))
  const inFlight = { state: 'dispatched', dispatched_at: time, probe: false, worker: 'test', claimed_at: time }
  expect(await show()).toEqual([{ ...nothing, ...always, ...owed, ...inFlight }])

  const refusal = { status: 400, reason: 'invalid_audience', description: 'not for us' }
  const [ticket] = await tickets(pool)
  await settle(pool, [
    {
      ticket,
      next: 'dead',
      dead_because: 'refused',
      counts: true,
      duration_ms: 12,
      connected_to: '192.0.2.7:443',
      ...refusal,
    },
  ])
  const not_accepted = [
    {
      ...refusal,
      jti,
      attempt: 1,
      counted: true,
      probe: false,
      connected_to: '192.0.2.7:443',
      duration_ms: 12,
      worker: 'test',
      ended_at: time,
    },
  ]
  const failed = { attempts: 1, first_failed_at: time, last_attempt_at: time, not_accepted }
  const dead = { state: 'dead', dead_because: 'refused', dead_at: time, expires_at: null, ...refusal }
  expect(await show()).toEqual([{ ...nothing, ...always, ...owed, ...failed, ...dead }])

  await runCommand(['retry', jti], { DATABASE_URL: url })
  await dispatch(pool)
  const [again] = await claim(pool, worker, await tickets(pool))
  const proof = { connected_to: '192.0.2.8:443', certificate_sha256: 'c0'.repeat(32) }
  await settle(pool, [{ ticket: again, next: 'accepted', counts: true, status: 202, ...proof }])
  const accepted = { state: 'accepted', status: 202, ...proof, settled_at: time }
  const set_sha256 = createHash('sha256').update('head.bank.1').digest('hex')
  const gone = { urgent: null, attempts: 1, due_at: null, expires_at: null, not_accepted }
  expect(await show()).toEqual([{ ...nothing, ...always, ...gone, ...accepted, set_sha256 }])

  const { stdout } = await runCommand(['show', jti], { DATABASE_URL: url })
  const [facts = '', attempts] = stdout.split('\n\n')
  expect(facts).toMatch(new RegExp(`^jti +${jti}\nstream_id +bank\n`))
  expect(facts).toMatch(
    new RegExp(
      `\nsettled_at +\\S+Z\nconnected_to +192.0.2.8:443\ncertificate_sha256 +(c0){32}\nset_sha256 +${set_sha256}$`,
    ),
  )
  expect(attempts).toMatch(/^ATTEMPT .+\n1 +\S+Z +12ms +192\.0\.2\.7:443 +test +400 invalid_audience not for us\n$/)
})

test('--txn shows all deliveries of one cause, whatever their state', async ({ database: { pool, url } }) => {
  for (const id of ['bank', 'shop']) await addStream(pool, { id })
  const worker = await addWorker(pool)
  await addDeliveries(pool, 'bank')
  await dispatch(pool)
  const [ticket] = await claim(pool, worker, await tickets(pool))
  await settle(pool, [{ ticket, next: 'accepted', counts: true, status: 202 }])
  await addDeliveries(pool, 'shop')
  const [other] = await addDeliveries(pool, 'shop')
  await pool.query(`update risc.deliveries set txn = 'txn-2' where jti = $1`, [other])
  const { deliveries } = await runJson<Shown>(['show', '--txn', 'txn-1'], { DATABASE_URL: url })
  expect(deliveries).toMatchObject([
    { stream_id: 'bank', state: 'accepted' },
    { stream_id: 'shop', state: 'queued' },
  ])
  const { stdout } = await runCommand(['show', '--txn', 'txn-1'], { DATABASE_URL: url })
  expect(stdout.match(/^jti /gm)).toHaveLength(2)
})

test('show never shows a SET, and what a receiver wrote cannot steer the terminal', async ({
  database: { pool, url },
}) => {
  await addStream(pool, { id: 'bank', credential: 'Bearer hunter2' })
  const [jti = ''] = await addDeliveries(pool, 'bank')
  await pool.query(`update risc.deliveries set last_description = $1`, ['\u001b[2J'])
  const shown = await Promise.all(
    [
      ['show', jti],
      ['show', jti, '--json'],
      ['show', '--txn', 'txn-1'],
    ].map((argv) => runCommand(argv, { DATABASE_URL: url })),
  )
  for (const { code, stdout } of shown) {
    expect(code).toBe(0)
    for (const never of ['head.', 'hunter2', '\u001b']) expect(stdout).not.toContain(never)
  }
})

test.for([
  ['delivery nobody', ['nobody']],
  ['delivery of txn nothing', ['--txn', 'nothing']],
] as const)('of no %s, show says how far back history reaches, and fails', async ([name, argv], { database }) => {
  const { code, stdout, stderr } = await runCommand(['show', ...argv], { DATABASE_URL: database.url })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain(`there is no ${name}: none waits, none is dead, and history reaches back to 20`)
})

test.each([[[]], [['jti-1', '--txn', 'txn-1']]])('show %j is misuse', async (argv) => {
  const env = { DATABASE_URL: 'postgres://127.0.0.1:1/idp' }
  expect(await runCommand(['show', ...argv], env)).toMatchObject({ code: 64, stdout: '' })
})
