import type { Pool } from 'pg'
import { describe, expect } from 'vitest'
import { until } from '../../support/until.ts'
import { addStream, addWorker, claim, dispatch, settle, tickets } from '../rows.ts'
import { test } from '../started-worker.ts'
import { runCommand, runJson } from './command.ts'
import { enqueue, erase, link, linkEverywhere, MARY, type Report, ZOE } from './erasing.ts'

describe('what is in flight', () => {
  test('and claimed by no worker is taken back: who comes for it gets nothing', async ({ database: { pool, url } }) => {
    const workerId = await addWorker(pool)
    await addStream(pool, { id: 'opaque.a' })
    await linkEverywhere(pool, ZOE)
    await enqueue(pool, { type: 'account-disabled', user: 'user-1' })
    await dispatch(pool)
    const out = await tickets(pool)
    expect(await runJson(erase(ZOE.subjects.opaque), { DATABASE_URL: url })).toMatchObject({
      dispatched: 1,
      claimed: 0,
    })
    expect(await tickets(pool)).toEqual([])
    expect(await claim(pool, workerId, out)).toEqual([])
    const outcome = {
      ticket: out[0],
      delivery_id: 1,
      next: 'retry',
      counts: true,
      delay_ms: 0,
      reason: 'refused',
      description: 'x',
    }
    expect(await settle(pool, [{ ...outcome, duration_ms: 1 }])).toEqual([])
    expect((await pool.query('select from risc.attempts')).rowCount).toBe(0)
    expect((await pool.query('select reason from risc.history')).rows).toEqual([{ reason: 'erased' }])
  })

  test('and claimed stays, with the links; it is erased by the next run, with what came of it', async ({
    database: { pool, url },
  }) => {
    const env = { DATABASE_URL: url }
    const workerId = await addWorker(pool)
    await addStream(pool, { id: 'opaque.a' })
    await linkEverywhere(pool, ZOE)
    await enqueue(pool, { type: 'account-disabled', user: 'user-1' }, { type: 'account-enabled', user: 'user-1' })
    await dispatch(pool)
    const out = await tickets(pool)
    await claim(pool, workerId, out)
    expect(await runCommand([...erase(ZOE.subjects.opaque), '--wait', '0s'], env)).toEqual({
      code: 1,
      stdout:
        'erased 1 users, 0 links, 1 queued, 0 dispatched, 0 dead, 0 descriptions, 1 claimed, 0 encrypted, 0 unreadable\n',
      stderr:
        'risc-worker: a worker may be sending what is claimed, and the links are kept until it has landed: run it again\n',
    })
    const outcome = { next: 'retry', counts: true, delay_ms: 0, reason: 'refused', description: 'hm', duration_ms: 1 }
    expect(await settle(pool, [{ ticket: out[0], ...outcome }])).toEqual(out)
    expect(await runJson(erase(ZOE.subjects.opaque), env)).toMatchObject({ users: 1, links: 1, queued: 1, claimed: 0 })
    expect((await pool.query('select description, reason from risc.attempts')).rows).toEqual([
      { description: null, reason: 'refused' },
    ])
  })

  test('and on its way to a receiver is waited for, and erased when it has landed', async ({
    database: { pool, url },
    receiver,
    start,
  }) => {
    const partner = await receiver(() => ({ status: 503, delayMs: 1000 }))
    await addStream(pool, { id: 'opaque.a', endpoint_url: partner.url })
    await linkEverywhere(pool, ZOE)
    await enqueue(pool, { type: 'account-disabled', user: 'user-1' })
    start()
    await partner.received(1)
    expect(await runJson(erase(ZOE.subjects.opaque), { DATABASE_URL: url })).toMatchObject({
      links: 1,
      queued: 1,
      claimed: 0,
    })
    expect((await pool.query('select from risc.deliveries')).rowCount).toBe(0)
  })

  test('is all that a pass under way hands over: it is waited for', async ({ database: { pool, url } }) => {
    await addWorker(pool)
    await addStream(pool, { id: 'opaque.a' })
    await linkEverywhere(pool, ZOE)
    await enqueue(pool, { type: 'account-disabled', user: 'user-1' })
    const passing = await pool.connect()
    try {
      await passing.query('begin')
      await dispatch(passing)
      const report = runJson(erase(ZOE.subjects.opaque), { DATABASE_URL: url })
      await until(() => isWaiting(pool), 'the erasure to wait')
      await passing.query('commit')
      expect(await report).toMatchObject({ queued: 0, dispatched: 1, claimed: 0 })
    } finally {
      passing.release()
    }
    expect(await tickets(pool)).toEqual([])
  })

  async function isWaiting(pool: Pool): Promise<true | undefined> {
    const { rowCount } = await pool.query(
      `select from pg_locks where locktype = 'advisory' and not granted
       and database = (select oid from pg_database where datname = current_database())`,
    )
    return rowCount === 1 || undefined
  }

  test('or held by somebody else stays, and nobody waits for it', async ({ database: { pool, url } }) => {
    await addStream(pool, { id: 'opaque.a' })
    await linkEverywhere(pool, ZOE)
    await enqueue(pool, { type: 'account-disabled', user: 'user-1' })
    const holder = await pool.connect()
    try {
      await holder.query('begin; select from risc.deliveries for update')
      expect(await runCommand([...erase(ZOE.subjects.opaque), '--wait', '0s'], { DATABASE_URL: url })).toMatchObject({
        code: 1,
      })
    } finally {
      await holder.query('rollback')
      holder.release()
    }
    expect(await runJson(erase(ZOE.subjects.opaque), { DATABASE_URL: url })).toMatchObject({ queued: 1 })
  })
})

test('while a fleet delivers, each SET is accepted or erased, once, and none of the person’s comes afterwards', async ({
  database: { pool, url },
  receiver,
  start,
}) => {
  const partner = await receiver()
  await addStream(pool, { id: 'opaque.a', endpoint_url: partner.url, ordering: 'none' })
  await linkEverywhere(pool, ZOE)
  await linkEverywhere(pool, MARY)
  const events = ['user-1', 'user-2'].flatMap((user) =>
    Array.from({ length: 300 }, () => ({ type: 'account-enabled', user }) as const),
  )
  const jtis = await enqueue(pool, ...events)
  start({ name: 'one' })
  start({ name: 'two' })
  await partner.received(20)
  const report = await runJson<Report>(erase(ZOE.subjects.opaque), { DATABASE_URL: url })
  const theirs = () => partner.requests.filter(({ body }) => bodySays(body, 'zoeterwoude')).length
  const sent = theirs()
  expect(report['queued']).toBeGreaterThan(0)
  await until(
    async () => (await pool.query('select from risc.pending')).rowCount === 0 || undefined,
    'all to be settled',
  )
  expect(theirs()).toBe(sent)
  const { rows } = await pool.query(
    'select jti, outcome, coalesce(reason, stream_id) as why from risc.history order by jti',
  )
  expect(rows.map(({ jti }) => jti)).toEqual(jtis.toSorted())
  expect(rows.filter(({ why }) => why === 'erased')).toHaveLength((report['queued'] ?? 0) + (report['dispatched'] ?? 0))
})

function bodySays(body: string, word: string): boolean {
  return Buffer.from(body.split('.')[1] ?? '', 'base64url')
    .toString()
    .includes(word)
}

test('the person’s other events, and everybody’s, keep their order', async ({ database: { pool, url } }) => {
  const workerId = await addWorker(pool)
  await addStream(pool, { id: 'opaque.a' })
  await linkEverywhere(pool, ZOE)
  const jtis = await enqueue(
    pool,
    { type: 'account-disabled', user: 'user-1' },
    { type: 'identifier-changed', user: 'user-1', subject: { format: 'email', email: 'old@example.com' } },
    { type: 'account-enabled', user: 'user-1' },
    { type: 'account-purged', user: 'user-1' },
  )
  await dispatch(pool)
  await claim(pool, workerId, await tickets(pool))
  const subject = { format: 'email', email: 'old@example.com' } as const
  expect(await runJson(erase(subject), { DATABASE_URL: url })).toMatchObject({ queued: 1 })
  expect(await dispatch(pool)).toBe(0)
  const order: string[] = []
  while (order.length < 3) {
    const { rows } = await pool.query(
      'select i.ticket, d.jti from risc.inflight i join risc.deliveries d on d.id = i.delivery_id',
    )
    order.push(...rows.map(({ jti }) => jti))
    await settle(
      pool,
      rows.map(({ ticket }) => ({ ticket, next: 'accepted', counts: true, status: 202 })),
    )
    await dispatch(pool)
  }
  expect(order).toEqual([jtis[0], jtis[2], jtis[3]])
})

test('a backlog of thousands is gone through in steps that each commit', async ({ database: { pool, url } }) => {
  await addStream(pool, { id: 'a', status: 'paused' })
  await link(pool, 'user-1', 'a', ZOE.subjects.opaque)
  await enqueue(pool, { type: 'account-disabled', user: 'user-1' })
  await pool.query(
    `insert into risc.deliveries (stream_id, jti, txn, event_type, kid, order_key, signed_set)
     select stream_id, 'jti-' || n, txn, event_type, kid, n, case when n % 2 = 0 then signed_set else 'e30.e30.x' end
     from risc.deliveries, generate_series(1, 10000) n`,
  )
  expect(await runJson(erase(ZOE.subjects.opaque), { DATABASE_URL: url })).toMatchObject({
    queued: 5001,
    unreadable: 0,
  })
  const { rows } = await pool.query(
    'select max(count)::integer as most from (select count(*) from risc.history group by settled_at) steps',
  )
  expect(rows[0].most).toBeLessThanOrEqual(200)
  expect((await pool.query('select from risc.deliveries')).rowCount).toBe(5000)
})
