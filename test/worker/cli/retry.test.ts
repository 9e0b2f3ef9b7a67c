import type { Pool } from 'pg'
import { expect } from 'vitest'
import { test } from '../../support/test.ts'
import { addDeliveries, addStream, addWorker, dispatch } from '../rows.ts'
import { finished, runCommand, runJson, spawnCommand } from './command.ts'

async function kill(pool: Pool, jtis: readonly string[]): Promise<void> {
  await pool.query(
    `update risc.deliveries set state = 'dead', dead_because = 'exhausted', dead_at = now(), attempts = 5 where jti = any ($1)`,
    [jtis],
  )
}

async function dead(pool: Pool): Promise<number> {
  return (await pool.query('select jti from risc.dead')).rows.length
}

test('a dead letter is sent again, with all its attempts', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a' })
  const [jti = ''] = await addDeliveries(pool, 'a')
  await kill(pool, [jti])
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
  expect(await runJson(['retry', jti], { DATABASE_URL: url })).toEqual({ retried: 1, in_flight: [], unknown: [] })
  expect((await pool.query('select due_at <= now() as due, attempts from risc.pending')).rows).toEqual([
    { due: true, attempts: 2 },
  ])
})

test('unknown deliveries are named and fail the command; the others are sent again', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a' })
  const [jti = ''] = await addDeliveries(pool, 'a')
  await kill(pool, [jti])
  expect(await runCommand(['retry', 'nobody', jti, 'nothing'], { DATABASE_URL: url })).toEqual({
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

test('--dead --stream sends the dead letters of that stream again and no other', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a' })
  await addStream(pool, { id: 'b' })
  await kill(pool, [...(await addDeliveries(pool, 'a', 2)), ...(await addDeliveries(pool, 'b', 3))])
  const result = await runJson(['retry', '--dead', '--stream', 'a'], { DATABASE_URL: url })
  expect(result).toEqual({ retried: 2, in_flight: [], unknown: [] })
  expect(await dead(pool)).toBe(3)
})

test('--all-dead sends every dead letter again, however many', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a' })
  await addStream(pool, { id: 'b' })
  await kill(pool, [...(await addDeliveries(pool, 'a', 1200)), ...(await addDeliveries(pool, 'b', 1))])
  expect(await runJson(['retry', '--all-dead'], { DATABASE_URL: url })).toMatchObject({ retried: 1201 })
  expect(await dead(pool)).toBe(0)
})

test('--all-dead passes over a dead letter that somebody else holds', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a' })
  await kill(pool, await addDeliveries(pool, 'a', 3))
  const holder = await pool.connect()
  await holder.query('begin; select from risc.deliveries order by id limit 1 for update')
  expect(await runJson(['retry', '--all-dead'], { DATABASE_URL: url })).toMatchObject({ retried: 2 })
  await holder.query('rollback')
  holder.release()
  expect(await dead(pool)).toBe(1)
})

test.each([
  [[]],
  [['jti-1', '--all-dead']],
  [['--dead', '--all-dead', '--stream', 'a']],
  [['--dead']],
  [['--stream', 'a']],
  [['--all-dead', '--stream', 'a']],
])('retry %j is misuse', async (argv) => {
  const env = { DATABASE_URL: 'postgres://127.0.0.1:1/idp' }
  expect(await runCommand(['retry', ...argv], env)).toMatchObject({ code: 64, stdout: '' })
})

test('the dead letters of a stream that does not exist are a mistake', async ({ database }) => {
  expect(await runCommand(['retry', '--dead', '--stream', 'a'], { DATABASE_URL: database.url })).toMatchObject({
    code: 1,
  })
})
