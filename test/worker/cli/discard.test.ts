import { createHash } from 'node:crypto'
import type { Pool } from 'pg'
import { expect } from 'vitest'
import { test } from '../../support/test.ts'
import { until } from '../../support/until.ts'
import { addDeadLetters } from '../dead-letters.ts'
import { addDeliveries, addStream, addWorker, dispatch } from '../rows.ts'
import { runCommand, runJson } from './command.ts'

const WAITS_FOR_ADVISORY_LOCK = `
  select from pg_locks where not granted and locktype = 'advisory'
    and database = (select oid from pg_database where datname = current_database())`

async function history(pool: Pool): Promise<Record<string, unknown>[]> {
  const { rows } = await pool.query('select jti, outcome, reason, set_sha256 from risc.history order by delivery_id')
  return rows
}

test('a dead letter and one that waits leave for history with the reason, without their SET', async ({
  database: { pool, url },
}) => {
  await addStream(pool, { id: 'a' })
  const jtis = [...(await addDeadLetters(pool, 'a')), ...(await addDeliveries(pool, 'a')), 'nobody']
  const { rows } = await pool.query('select signed_set from risc.deliveries order by id')
  expect(await runCommand(['discard', ...jtis, '--note', 'ticket 4711'], { DATABASE_URL: url })).toEqual({
    code: 1,
    stdout: '2 discarded\n',
    stderr: 'risc-worker: not waiting and not dead: nobody\n',
  })
  expect((await pool.query('select from risc.deliveries')).rowCount).toBe(0)
  expect(await history(pool)).toEqual(
    rows.map(({ signed_set }, n) => ({
      jti: jtis[n],
      outcome: 'discarded',
      reason: 'ticket 4711',
      set_sha256: createHash('sha256').update(signed_set).digest(),
    })),
  )
})

test('what is in flight is not discarded, and fails the command', async ({ database: { pool, url } }) => {
  await addWorker(pool)
  await addStream(pool, { id: 'a' })
  const [jti = ''] = await addDeliveries(pool, 'a')
  await dispatch(pool)
  const { code, stdout } = await runCommand(['discard', jti, '--note', 'x', '--json'], { DATABASE_URL: url })
  expect({ code, ...JSON.parse(stdout) }).toEqual({
    code: 1,
    discarded: 0,
    untouched: [{ jti, because: 'in_flight' }],
    unknown: [],
  })
  expect((await pool.query('select from risc.deliveries')).rowCount).toBe(1)
})

test('a pass under way hands over nothing that is being discarded', async ({ database: { pool } }) => {
  await addWorker(pool)
  await addStream(pool, { id: 'a' })
  const jtis = await addDeliveries(pool, 'a', 5)
  const dispatcher = await pool.connect()
  let discarding: Promise<{ rowCount: number | null }>
  try {
    await dispatcher.query('begin')
    expect(await dispatch(dispatcher)).toBe(5)
    discarding = pool.query(`select risc.discard($1, 'x')`, [jtis])
    await until(async () => (await pool.query(WAITS_FOR_ADVISORY_LOCK)).rowCount || undefined, 'the discard to wait')
    await dispatcher.query('commit')
  } finally {
    dispatcher.release(true)
  }
  expect((await discarding).rowCount).toBe(0)
  expect((await pool.query('select from risc.inflight')).rowCount).toBe(5)
})

test('dead letters that fit are discarded in batches, after a look that discards nothing', async ({
  database: { pool, url },
}) => {
  const env = { DATABASE_URL: url }
  await addStream(pool, { id: 'a' })
  await addStream(pool, { id: 'b' })
  await addDeadLetters(pool, 'a', 1500, { because: 'expired' })
  const kept = await addDeadLetters(pool, 'a', 1000, { because: 'refused' })
  await addDeadLetters(pool, 'a', 1000, { because: 'expired' })
  await addDeadLetters(pool, 'b', 2, { because: 'expired' })
  await addDeliveries(pool, 'a', 3)
  const filter = ['discard', '--dead', '--reason', 'expired']
  expect(await runCommand([...filter, '--dry-run'], env)).toEqual({
    code: 0,
    stdout: 'STREAM  DEAD\na       2500\nb          2\nwould discard 2502 dead letters\n',
    stderr: '',
  })
  expect((await pool.query('select from risc.dead')).rowCount).toBe(3502)
  expect(await runJson([...filter, '--note', 'too old', '--yes'], env)).toEqual({
    total: 2502,
    discarded: 2502,
    streams: [
      { stream_id: 'a', total: 2500, discarded: 2500 },
      { stream_id: 'b', total: 2, discarded: 2 },
    ],
  })
  const { rows } = await pool.query('select jti from risc.dead order by jti')
  expect(rows.map(({ jti }) => jti)).toEqual(kept.toSorted())
  expect(await history(pool)).toHaveLength(2502)
  expect((await pool.query('select from risc.pending')).rowCount).toBe(3)
})

test('--reason chooses, as it does for retry, and --note is what history keeps', async ({
  database: { pool, url },
}) => {
  await addStream(pool, { id: 'a' })
  await addDeadLetters(pool, 'a', 2, { because: 'expired' })
  const kept = await addDeadLetters(pool, 'a', 3, { because: 'refused' })
  const argv = ['discard', '--dead', '--stream', 'a', '--reason', 'expired', '--note', 'by fax', '--yes']
  expect(await runJson(argv, { DATABASE_URL: url })).toMatchObject({ discarded: 2 })
  expect((await pool.query('select jti from risc.dead order by jti')).rows.map(({ jti }) => jti)).toEqual(
    kept.toSorted(),
  )
  expect((await history(pool)).map(({ reason }) => reason)).toEqual(['by fax', 'by fax'])
})

test('a dead letter that somebody holds is left, and fails the command', async ({ database: { pool, url } }) => {
  await addStream(pool, { id: 'a' })
  const [held] = await addDeadLetters(pool, 'a', 3)
  const argv = ['discard', '--all-dead', '--note', 'ticket 4711', '--yes']
  const holder = await pool.connect()
  try {
    await holder.query('begin')
    await holder.query('select from risc.deliveries where jti = $1 for update', [held])
    expect(await runCommand(argv, { DATABASE_URL: url })).toEqual({
      code: 1,
      stdout: '2 discarded\n',
      stderr: 'risc-worker: 1 were busy with something else: give the command again\n',
    })
    const { code, stdout } = await runCommand([...argv, '--json'], { DATABASE_URL: url })
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 1, total: 1, discarded: 0 })
  } finally {
    holder.release(true)
  }
})

test.each([
  [['jti-1']],
  [['jti-1', '--note', '']],
  [['jti-1', '--note', 'a\u001b[2J']],
  [['jti-1', '--note', 'a\u202eb']],
  [['jti-1', '--note', 'x'.repeat(201)]],
  [['jti-1', '--note', 'erased']],
  [['jti-1', '--note', ' Retention']],
  [['jti-1', '--note', 'stream_disabled']],
  [['jti-1', '--note', 'x', '--yes']],
  [['--note', 'x']],
  [['--all-dead', '--note', 'x']],
  [['--all-dead', '--yes']],
  [['--dead', '--stream', 'a', '--reason', 'timeout', '--yes']],
  [['jti-1', '--reason', 'timeout', '--note', 'x']],
  [['--all-dead', '--note', 'x', '--yes', '--dry-run']],
  [['--stream', 'a', '--note', 'x', '--yes']],
])('discard %j is misuse', async (argv) => {
  const env = { DATABASE_URL: 'postgres://127.0.0.1:1/idp' }
  expect(await runCommand(['discard', ...argv], env)).toMatchObject({ code: 64, stdout: '' })
})

test.for(['', '\u0007', 'a\u2029b', 'x'.repeat(201), null])('SQL takes no reason %j', async (reason, { database }) => {
  const { pool } = database
  await addStream(pool, { id: 'a' })
  const jtis = await addDeadLetters(pool, 'a')
  await expect(pool.query('select risc.discard($1, $2)', [jtis, reason])).rejects.toMatchObject({ code: '23514' })
  expect((await pool.query('select from risc.dead')).rowCount).toBe(1)
})
