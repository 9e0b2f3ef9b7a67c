import type { Pool } from 'pg'
import { expect } from 'vitest'
import { until } from '../../support/until.ts'
import { addDeliveries, addStream, addWorker, claim, dispatch, settle, tickets } from '../rows.ts'
import { test } from '../started-worker.ts'
import { runCommand, runJson } from './command.ts'

const GIVE_UP = ['--discard', '--note', 'contract ended']

const remove = (id: string, ...options: string[]) => ['stream', 'remove', id, ...options]

const kill = (pool: Pool, jtis: readonly string[]) =>
  pool.query(
    `update risc.deliveries set state = 'dead', dead_because = 'refused', dead_at = now() where jti = any ($1)`,
    [jtis],
  )

/** What is left of a stream in any table, but for its history. */
async function remains(pool: Pool, streamId: string): Promise<number> {
  const { rows } = await pool.query(
    `select (select count(*) from risc.streams where id = $1) + (select count(*) from risc.flow where stream_id = $1)
       + (select count(*) from risc.pace where stream_id = $1) + (select count(*) from risc.subjects where stream_id = $1)
       + (select count(*) from risc.deliveries where stream_id = $1) + (select count(*) from risc.inflight where stream_id = $1)
       + (select count(*) from risc.urgent where stream_id = $1) as count`,
    [streamId],
  )
  return Number(rows[0].count)
}

const history = async (pool: Pool) => {
  const { rows } = await pool.query(
    `select stream_id, outcome, reason, count(*)::integer as count from risc.history group by 1, 2, 3 order by 1, 2, 3`,
  )
  return rows
}

test('a stream to which nothing is owed is removed, with the users its receiver knows; history stays', async ({
  database: { pool, url },
  receiver,
  start,
}) => {
  const partner = await receiver()
  await addStream(pool, { id: 'a', endpoint_url: partner.url })
  await addStream(pool, { id: 'b' })
  await pool.query(
    `insert into risc.subjects (user_id, stream_id, subject)
     select 'u-' || n, s, '{"format": "opaque"}' from generate_series(1, 1200) n, unnest(array['a', 'b']) s`,
  )
  await addDeliveries(pool, 'a', 3)
  start()
  await until(async () => (await pool.query('select from risc.history')).rowCount === 3 || undefined, 'history')

  expect(await runCommand(remove('a'), { DATABASE_URL: url })).toEqual({
    code: 0,
    stdout: 'stream a removed: 0 queued and 0 dead discarded\n',
    stderr: '1200 users are no longer known to its receiver\n',
  })
  expect(await remains(pool, 'a')).toBe(0)
  expect(await history(pool)).toEqual([{ stream_id: 'a', outcome: 'accepted', reason: null, count: 3 }])
  expect(await remains(pool, 'b')).toBe(1203)
})

test('a stream that is owed anything, or has dead letters, is not removed, and stays as it was', async ({
  database: { pool, url },
}) => {
  await addStream(pool, { id: 'a' })
  const [first = ''] = await addDeliveries(pool, 'a', 3)
  await kill(pool, [first])
  expect(await runCommand(remove('a'), { DATABASE_URL: url })).toEqual({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/: 2 queued, 0 dispatched and 1 dead .*--discard --note/),
  })
  expect((await pool.query('select status, status_reason from risc.streams')).rows).toEqual([
    { status: 'enabled', status_reason: null },
  ])
  expect(await history(pool)).toEqual([])
})

test('what is given up goes to history for the reason given, dead letters too, and nothing else does', async ({
  database: { pool, url },
}) => {
  await addStream(pool, { id: 'a' })
  await addStream(pool, { id: 'b' })
  await addDeliveries(pool, 'b', 5)
  await addDeliveries(pool, 'a', 1100)
  await kill(pool, await addDeliveries(pool, 'a', 700))
  const [urgent] = await addDeliveries(pool, 'a', 1)
  await pool.query(
    `with u as (update risc.deliveries set urgent = true where jti = $1 returning id)
    insert into risc.urgent (delivery_id, stream_id) select id, 'a' from u`,
    [urgent],
  )
  await addWorker(pool)
  expect(await dispatch(pool)).toBe(50) // nobody claims it, and nobody has to be waited for

  expect(await runJson(remove('a', ...GIVE_UP), { DATABASE_URL: url })).toEqual({
    stream_id: 'a',
    discarded: { queued: 1101, dead: 700 },
    subjects: 0,
  })
  expect(await remains(pool, 'a')).toBe(0)
  expect(await history(pool)).toEqual([{ stream_id: 'a', outcome: 'discarded', reason: 'contract ended', count: 1801 }])
  expect((await pool.query('select from risc.deliveries')).rowCount).toBe(5)
})

test('what a worker has in its hands is waited for, and its outcome counts', async ({ database: { pool, url } }) => {
  await addStream(pool, { id: 'a' })
  const worker = await addWorker(pool)
  await addDeliveries(pool, 'a', 2)
  await dispatch(pool)
  const [landing = 0] = await claim(pool, worker, (await tickets(pool)).slice(0, 1))
  let told = ''
  const stderr = { write: (text: string) => (told += text) }
  const removing = runCommand(remove('a', ...GIVE_UP), { DATABASE_URL: url }, { stderr })
  await until(async () => told !== '' || undefined, 'the command to wait')
  expect(told).toBe('waiting for 1 in flight\n')
  expect((await pool.query('select status, status_reason, status_changed_by from risc.streams')).rows).toEqual([
    { status: 'paused', status_reason: 'being removed: contract ended', status_changed_by: 'somebody@host-1' },
  ])
  await settle(pool, [{ ticket: landing, next: 'accepted', counts: true, status: 202 }])
  expect(await removing).toMatchObject({ code: 0, stdout: 'stream a removed: 1 queued and 0 dead discarded\n' })
  expect(await history(pool)).toMatchObject([
    { outcome: 'accepted', count: 1 },
    { outcome: 'discarded', count: 1 },
  ])
})

test('what does not land in time keeps the stream, held back, until the command is given again', async ({
  database: { pool, url },
}) => {
  await addStream(pool, { id: 'a' })
  const worker = await addWorker(pool)
  await addDeliveries(pool, 'a', 1)
  await dispatch(pool)
  const held = await claim(pool, worker, await tickets(pool))
  const env = { DATABASE_URL: url }
  expect(await runCommand(remove('a', ...GIVE_UP, '--wait', '1ms'), env)).toEqual({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('0 queued, 1 dispatched and 0 dead deliveries are left after --wait: try again'),
  })
  await settle(pool, [
    { ticket: held[0], next: 'retry', counts: true, status: 503, reason: 'server_error', delay_ms: 1 },
  ])
  expect(await runJson(remove('a', ...GIVE_UP), env)).toMatchObject({ discarded: { queued: 1, dead: 0 } })
})

test('an open transaction that may still enqueue is waited for, and what it enqueues is discarded', async ({
  database: { pool, url },
}) => {
  await addStream(pool, { id: 'a' })
  const idp = await pool.connect()
  try {
    await idp.query('begin')
    const request = JSON.stringify([{ stream_id: 'a', event_type: 'urn:x' }])
    const { rows } = await idp.query('select stream_id from risc.recipients($1)', [request])
    expect(rows).toEqual([{ stream_id: 'a' }])
    const removing = runCommand(remove('a'), { DATABASE_URL: url })
    await until(
      async () =>
        (await pool.query(`select from pg_stat_activity where query ~ '^select risc.await_' and state = 'active'`))
          .rowCount || undefined,
      'the command to wait for it',
    )
    expect((await pool.query('select status from risc.streams')).rows).toEqual([{ status: 'disabled' }])
    await addDeliveries(idp, 'a', 1)
    await idp.query('commit')
    expect(await removing).toMatchObject({ code: 0, stdout: 'stream a removed: 1 queued and 0 dead discarded\n' })
    expect(await history(pool)).toMatchObject([{ outcome: 'discarded', reason: 'stream_disabled', count: 1 }])
  } finally {
    idp.release()
  }
})

test('an IdP that goes on all the time loses no transaction to the removal, and no SET is lost without a word', async ({
  database: { pool, url },
  start,
  receiver,
}) => {
  const partner = await receiver()
  await addStream(pool, { id: 'a', endpoint_url: partner.url })
  start()
  await pool.query(
    `insert into risc.subjects (user_id, stream_id, subject) values ('u-1', 'a', '{"format": "opaque"}')`,
  )
  let stop = false
  const enqueued: string[] = []
  const idp = async () => {
    const client = await pool.connect()
    const request = JSON.stringify([{ user: 'u-1', event_type: 'urn:x' }])
    try {
      while (!stop) {
        await client.query('begin')
        const { rowCount } = await client.query('select from risc.recipients($1)', [request])
        if (rowCount) enqueued.push(...(await addDeliveries(client, 'a', 3)))
        await client.query('commit')
      }
    } finally {
      client.release(true)
    }
  }
  const busy = [idp(), idp(), idp()]
  await partner.received(20)
  const { code } = await runCommand(remove('a', ...GIVE_UP), { DATABASE_URL: url })
  stop = true
  await Promise.all(busy)
  expect(code).toBe(0)
  expect(await remains(pool, 'a')).toBe(0)
  const { rows } = await pool.query('select jti from risc.history order by jti')
  expect(rows.map(({ jti }) => jti)).toEqual(enqueued.sort())
})

test.for([
  ['giving up without a note', ['--discard'], 'go together'],
  ['a note for nothing', ['--note', 'over'], 'go together'],
  ['a note that steers a terminal', ['--discard', '--note', 'over\u001b[2J'], 'none of them a control character'],
  ['a word of the machine', ['--discard', '--note', 'erased'], '--note must not be erased alone'],
] as const)('%s is misuse, and nothing is removed', async ([, options, problem]) => {
  const { code, stderr } = await runCommand(remove('a', ...options), { DATABASE_URL: 'postgres://127.0.0.1:1/idp' })
  expect(code).toBe(64)
  expect(stderr).toContain(problem)
})
