import { createHash } from 'node:crypto'
import { eventUris } from 'risc-set'
import { expect } from 'vitest'
import { test } from '../../support/test.ts'
import { addDeliveries, addStream, addWorker, claim, dispatch, settle, tickets } from '../rows.ts'
import { finished, runCommand, runJson, spawnCommand } from './command.ts'

interface Listed {
  readonly deliveries: readonly { readonly jti: string; readonly stream_id: string; readonly state: string }[]
  readonly more: boolean
}

test('list shows what is to be sent, the soonest due first, of all streams or of one', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a' })
  await addStream(pool, { id: 'b' })
  await addDeliveries(pool, 'a', 2)
  await addDeliveries(pool, 'b', 2)
  const { rows } = await pool.query<{ jti: string; stream_id: string }>(
    `update risc.deliveries d set due_at = now() + place * interval '1 hour'
     from (select id, row_number() over (order by jti desc) as place from risc.deliveries) p
     where p.id = d.id returning jti, stream_id`, // the soonest has the last jti
  )
  const soonest = rows.toSorted((one, other) => (one.jti < other.jti ? 1 : -1))

  const all = await runJson<Listed>(['list'], { DATABASE_URL: url })
  expect(all.deliveries.map(({ jti }) => jti)).toEqual(soonest.map(({ jti }) => jti))
  const ofA = await runJson<Listed>(['list', '--stream', 'a'], { DATABASE_URL: url })
  expect(ofA.deliveries.map(({ jti }) => jti)).toEqual(
    soonest.filter(({ stream_id }) => stream_id === 'a').map(({ jti }) => jti),
  )
})

test('--json has the columns of risc.pending and of risc.dead, durations as numbers', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a' })
  const [jti, dead] = await addDeliveries(pool, 'a', 2)
  await pool.query(
    `update risc.deliveries set state = 'dead', dead_because = 'refused', dead_at = now(), attempts = 1, last_attempt_at = now(), last_status = 400,
       last_reason = 'invalid_audience', last_description = 'not me' where jti = $1`,
    [dead],
  )
  const time = expect.stringMatching(/^\d{4}-.+Z$/)
  const event_type = 'https://events.example/changed'
  const common = { stream_id: 'a', event_type, txn: 'txn-1', created_at: time }
  expect(await runJson(['list'], { DATABASE_URL: url })).toEqual({
    deliveries: [
      {
        ...common,
        jti,
        state: 'queued',
        attempts: 0,
        due_at: time,
        age_seconds: expect.any(Number),
        expires_at: time,
        last_attempt_at: null,
        last_status: null,
        last_reason: null,
        last_description: null,
        worker: null,
        claimed_at: null,
      },
    ],
    more: false,
  })
  expect(await runJson(['list', '--state', 'dead'], { DATABASE_URL: url })).toEqual({
    deliveries: [
      {
        ...common,
        jti: dead,
        attempts: 1,
        last_attempt_at: time,
        dead_at: time,
        dead_because: 'refused',
        status: 400,
        reason: 'invalid_audience',
        description: 'not me',
      },
    ],
    more: false,
  })
})

test('--state tells what is queued from what is dispatched', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a', max_in_flight: 1 })
  await addDeliveries(pool, 'a', 2)
  await addWorker(pool)
  await dispatch(pool)
  for (const state of ['queued', 'dispatched']) {
    const { deliveries } = await runJson<Listed>(['list', '--state', state], { DATABASE_URL: url })
    expect(deliveries).toMatchObject([{ state }])
  }
})

test('--state accepted and discarded show what history has, the latest first', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a' })
  const worker = await addWorker(pool)
  const [first, second] = await addDeliveries(pool, 'a', 2)
  await dispatch(pool)
  for (const ticket of await claim(pool, worker, await tickets(pool))) {
    await settle(pool, [{ ticket, next: 'accepted', counts: true, status: 202, connected_to: '192.0.2.7:443' }])
  }
  const [discarded] = await addDeliveries(pool, 'a')
  await pool.query(`update risc.streams set status = 'disabled'`)
  await pool.query('select risc.tidy()')

  const accepted = await runJson<Listed>(['list', '--state', 'accepted'], { DATABASE_URL: url })
  expect(accepted.deliveries.map(({ jti }) => jti)).toEqual([second, first])
  const time = expect.stringMatching(/^\d{4}-.+Z$/)
  expect(accepted.deliveries[1]).toEqual({
    jti: first,
    stream_id: 'a',
    event_type: 'https://events.example/changed',
    txn: 'txn-1',
    kid: 'key-1',
    outcome: 'accepted',
    status: 202,
    connected_to: '192.0.2.7:443',
    reason: null,
    attempts: 1,
    created_at: time,
    settled_at: time,
    set_sha256: createHash('sha256').update('head.a.1').digest('hex'),
    certificate_sha256: null,
  })
  const { stdout } = await runCommand(['list', '--state', 'discarded'], { DATABASE_URL: url })
  expect(stdout).toMatch(new RegExp(`^JTI .+\n${discarded} +a +changed +discarded +stream_disabled +\\S+Z +0 +-\n$`))
})

test('--event, --reason, --since and --until narrow down what is shown, in every state', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a' })
  const jtis = await addDeliveries(pool, 'a', 8)
  const [waiting, , dead] = jtis
  await pool.query(
    `update risc.deliveries set event_type = $2, last_reason = 'timeout', created_at = now() - interval '2 hours'
     where jti = any ($1)`,
    [[waiting, dead], eventUris['account-disabled']],
  )
  await pool.query(
    `update risc.deliveries set state = 'dead', dead_because = 'exhausted', dead_at = created_at where jti = any ($1)`,
    [jtis.slice(2, 4)],
  )
  await pool.query(
    `with gone as (delete from risc.deliveries where jti = any ($1) returning *)
     insert into risc.history (delivery_id, stream_id, jti, txn, event_type, kid, set_sha256, outcome, reason, attempts, created_at, settled_at)
     select id, stream_id, jti, txn, case row_number() over (order by id) when 1 then $2 else event_type end, kid, '', 'discarded',
       case row_number() over (order by id) when 1 then 'by fax' else 'by mail' end, 0, created_at,
       now() - case row_number() over (order by id) when 1 then interval '2 hours' else '0' end from gone`,
    [jtis.slice(4, 6), eventUris['account-disabled']],
  )
  const listed = async (...argv: string[]) => {
    const { deliveries } = await runJson<Listed>(['list', ...argv], { DATABASE_URL: url })
    return deliveries.map(({ jti }) => jti)
  }
  const { rows } = await pool.query(`select now() - interval '1 hour' as at`)
  for (const [state, old, reason] of [
    ['queued', waiting, 'timeout'],
    ['dead', dead, 'timeout'],
    ['discarded', jtis[4], 'by fax'],
  ] as const) {
    const all = await listed('--state', state)
    const others = all.filter((jti) => jti !== old)
    expect(others.length, state).toBe(all.length - 1)
    for (const narrowed of [
      ['--event', 'account-disabled'],
      ['--event', eventUris['account-disabled']],
      ['--reason', reason],
      ['--until', '1h'],
      ['--until', rows[0].at.toISOString()],
      ['--since', '3h', '--until', '1h', '--reason', reason, '--stream', 'a'],
    ]) {
      expect(await listed('--state', state, ...narrowed), `${state} ${narrowed}`).toEqual([old])
    }
    expect((await listed('--state', state, '--since', '1h')).sort(), state).toEqual(others.sort())
  }
  expect(await listed('--state', 'dead', '--reason', 'exhausted')).toHaveLength(2)
  expect(await listed('--reason', "x' or true --")).toEqual([])
})

test.each([
  [['--event', 'account-disable'], 'did you mean account-disabled?'],
  [['--since', 'yesterday'], 'It must be a time such as'],
  [['--until', '2026-13-01'], 'It must be a time such as'],
  [['--state', 'accepted', '--reason', 'timeout'], 'what is accepted has no --reason'],
])('list %j is misuse', async (argv, problem) => {
  const env = { DATABASE_URL: 'postgres://127.0.0.1:1/idp' }
  const { code, stdout, stderr } = await runCommand(['list', ...argv], env)
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
  expect(stderr).toContain(problem)
})

test('what is beyond --limit is not shown but mentioned', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a' })
  await addDeliveries(pool, 'a', 51)
  const { deliveries, more } = await runJson<Listed>(['list'], { DATABASE_URL: url })
  expect({ shown: deliveries.length, more }).toEqual({ shown: 50, more: true })
  const exact = await runJson<Listed>(['list', '--limit', '51'], { DATABASE_URL: url })
  expect({ shown: exact.deliveries.length, more: exact.more }).toEqual({ shown: 51, more: false })
  const { stderr } = await runCommand(['list', '--limit', '2'], { DATABASE_URL: url })
  expect(stderr).toBe('only the first 2: --limit shows more\n')
})

test('list never shows a SET', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a' })
  const [, dead] = await addDeliveries(pool, 'a', 2)
  await pool.query(
    `update risc.deliveries set state = 'dead', dead_because = 'refused', dead_at = now() where jti = $1`,
    [dead],
  )
  for (const argv of [
    ['list'],
    ['list', '--json'],
    ['list', '--state', 'dead'],
    ['list', '--state', 'dead', '--json'],
  ]) {
    expect((await runCommand(argv, { DATABASE_URL: url })).stdout).not.toContain('head.')
  }
})

test('what a receiver wrote cannot steer the terminal', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a' })
  await addDeliveries(pool, 'a')
  await pool.query('update risc.deliveries set last_description = $1', ['\u001b[2J\u009b31m\nRED \u202e'])
  const { stdout } = await runCommand(['list'], { DATABASE_URL: url })
  expect(stdout).toContain('\ufffd[2J\ufffd31m\ufffdRED \ufffd')
})

test('a stream that does not exist is named, with the one that was meant', async ({ database }) => {
  await addStream(database.pool, { id: 'partner-a' })
  const result = await finished(spawnCommand(['list', '--stream', 'partner-b'], { DATABASE_URL: database.url }))
  expect(result).toEqual({
    code: 1,
    stdout: '',
    stderr: 'risc-worker: there is no stream partner-b (did you mean partner-a?)\n',
  })
})

test('an empty list is no data: it says so on stderr', async ({ database }) => {
  expect(await runCommand(['list'], { DATABASE_URL: database.url })).toEqual({
    code: 0,
    stdout: '',
    stderr: 'nothing\n',
  })
  expect(await runJson(['list'], { DATABASE_URL: database.url })).toEqual({ deliveries: [], more: false })
})
