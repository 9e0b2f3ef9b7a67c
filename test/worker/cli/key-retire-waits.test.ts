import { expect } from 'vitest'
import type { Idp } from '../../outbox/idp.ts'
import { test } from '../../outbox/preparing.ts'
import { until } from '../../support/until.ts'
import { addDeliveries, addStream } from '../rows.ts'
import { type Result, runCommand } from './command.ts'

/** The key of `addDeliveries` is key-1. */
const STILL_NEEDED = {
  code: 1,
  stdout: '',
  stderr: expect.stringMatching(/^risc-worker: key key-1 is still needed until .*: 1 unsettled\n$/),
}

test('key retire sees what open transactions enqueued before it, once they commit', async ({ idp }) => {
  await addStream(idp.pool, { id: 'a' })
  await idp.connection(async (writer) => {
    await writer.query('begin')
    await addDeliveries(writer, 'a')
    const { retired } = await startRetiring(idp)
    await idp.connection(async (later) => {
      await later.query('begin')
      await addDeliveries(later, 'a')
      await writer.query('commit')
      expect(await retired).toEqual(STILL_NEEDED)
      await later.query('rollback')
    })
  })
})

test('what an open transaction rolls back is no reason to keep a key', async ({ idp }) => {
  await addStream(idp.pool, { id: 'a' })
  await idp.pool.query(
    `insert into risc.history (delivery_id, stream_id, jti, txn, event_type, kid, set_sha256, outcome, attempts, created_at)
     values (1, 'a', 'j', 't', 'e', 'key-1', '', 'accepted', 1, now())`,
  )
  await idp.connection(async (writer) => {
    await writer.query('begin')
    await addDeliveries(writer, 'a')
    const { retired } = await startRetiring(idp)
    await writer.query('rollback')
    expect(await retired).toEqual({ code: 0, stdout: 'key key-1 retired\n', stderr: '' })
  })
})

test('key retire sees what a prepared transaction enqueued', async ({ preparing: idp }) => {
  await addStream(idp.pool, { id: 'a' })
  await idp.connection(async (writer) => {
    await writer.query('begin')
    await addDeliveries(writer, 'a')
    await writer.query(`prepare transaction 'two-phase'`)
    const { retired } = await startRetiring(idp)
    await writer.query(`commit prepared 'two-phase'`)
    expect(await retired).toEqual(STILL_NEEDED)
  })
})

test('key retire waits and sees as well where the database has other defaults', async ({ idp }) => {
  await addStream(idp.pool, { id: 'a' })
  await idp.connection(async (writer) => {
    await writer.query('begin')
    await addDeliveries(writer, 'a')
    await idp.pool.query(`alter database ${idp.name} set statement_timeout = '200ms'`)
    await idp.pool.query(`alter database ${idp.name} set default_transaction_isolation = 'repeatable read'`)
    const { retired } = await startRetiring(idp, '300ms')
    await writer.query('commit')
    expect(await retired).toEqual(STILL_NEEDED)
  })
})

test('key retire exits 1 when a transaction stays open that may have enqueued, and says so', async ({ idp }) => {
  await addStream(idp.pool, { id: 'a' })
  await idp.connection(async (writer) => {
    await writer.query('begin')
    await addDeliveries(writer, 'a')
    const { rows } = await writer.query('select pg_backend_pid() as pid')
    const { retired } = await startRetiring(idp)
    expect(await retired).toEqual({
      code: 1,
      stdout: '',
      stderr: `risc-worker: transactions that may have enqueued SETs are still open after 5 seconds (pid ${rows[0].pid}): try again when they have ended\n`,
    })
    await writer.query('rollback')
  })
  expect((await idp.pool.query('select * from risc.retired_keys')).rows).toEqual([])
})

test('where it could not see what commits while it waits, a key is not retired', async ({ idp }) => {
  const blind = idp.transaction(
    (trx) => trx.query("select risc.retire_key('key-1')"),
    'begin isolation level serializable',
  )
  await expect(blind).rejects.toMatchObject({ code: '25000' })
})

/** Starts the command, and returns once it has waited for so long, or has ended. */
async function startRetiring({ pool, url }: Idp, waited = '0 s'): Promise<{ retired: Promise<Result> }> {
  let ended = false
  const retired = runCommand(['key', 'retire', 'key-1', '--recent', '0s'], { DATABASE_URL: url }).finally(() => {
    ended = true
  })
  await until(async () => {
    const { rowCount } = await pool.query(
      `select from pg_stat_activity
       where datname = current_database() and application_name = 'risc-worker command'
         and wait_event = 'PgSleep' and query_start <= clock_timestamp() - $1::interval`,
      [waited],
    )
    return ended || rowCount === 1 || undefined
  }, 'key retire to wait')
  return { retired }
}
