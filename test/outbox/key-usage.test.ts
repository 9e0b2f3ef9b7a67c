import { Kysely, PostgresDialect } from 'kysely'
import type { Pool } from 'pg'
import { expect } from 'vitest'
import { addDeliveries, addStream, addWorker, dispatch, tickets } from '../worker/rows.ts'
import { test } from './idp.ts'

const HOUR_MS = 3_600_000

async function accept(pool: Pool, kid: string, hoursAgo: number, outcome = 'accepted'): Promise<void> {
  await pool.query(
    `insert into risc.history (delivery_id, stream_id, jti, txn, event_type, kid, set_sha256, outcome, reason, attempts, created_at, settled_at)
     values (1, 'a', 'j', 't', 'e', $1, '', $2, case $2 when 'discarded' then 'test' end, 1, now(), now() - $3 * interval '1 hour')`,
    [kid, outcome, hoursAgo],
  )
}

test('what is unsettled, dead or accepted recently is counted for each key', async ({ idp: { pool, outbox } }) => {
  await addStream(pool, { id: 'a', max_in_flight: 1 })
  await addDeliveries(pool, 'a', 4)
  await pool.query(`update risc.deliveries set state = 'dead', dead_because = 'refused', dead_at = now() where id = 4`)
  await addWorker(pool)
  await dispatch(pool)
  await accept(pool, 'key-1', 1)
  await accept(pool, 'key-1', 23)
  await accept(pool, 'key-1', 25)
  await accept(pool, 'key-1', 1, 'discarded')
  await accept(pool, 'key-0', 1)
  await pool.query(`insert into risc.retired_keys values ('key-0', '2026-01-01Z'), ('key--', '2025-01-01Z')`)

  expect(await outbox.keyUsage(pool)).toEqual([
    {
      kid: 'key--',
      unsettled: 0,
      dead: 0,
      acceptedRecently: 0,
      lastAcceptedAt: undefined,
      neededUntil: undefined,
      retiredAt: new Date('2025-01-01T00:00:00Z'),
    },
    {
      kid: 'key-0',
      unsettled: 0,
      dead: 0,
      acceptedRecently: 1,
      lastAcceptedAt: expect.any(Date),
      neededUntil: expect.any(Date),
      retiredAt: new Date('2026-01-01T00:00:00Z'),
    },
    {
      kid: 'key-1',
      unsettled: 3,
      dead: 1,
      acceptedRecently: 2,
      lastAcceptedAt: expect.any(Date),
      neededUntil: expect.any(Date),
      retiredAt: undefined,
    },
  ])
  expect(await outbox.keyUsage(pool, { recentMs: 2 * HOUR_MS })).toMatchObject([{}, {}, { acceptedRecently: 1 }])
  expect(await outbox.keyUsage(pool, { recentMs: 0 })).toMatchObject([{}, { acceptedRecently: 0 }, {}])
})

test('a key that waits is needed for as long as a worker would try what it signed', async ({
  idp: { pool, outbox },
}) => {
  await addStream(pool, { id: 'long', max_age: '72 hours' })
  await addStream(pool, { id: 'agency', profile: 'login.gov' })
  await addStream(pool, { id: 'short', profile: 'login.gov', max_age: '1 hour' })
  const workerId = await addWorker(pool)
  for (const streamId of ['long', 'agency', 'short']) {
    for (const retriedAgo of [null, '10 minutes']) {
      await pool.query('delete from risc.deliveries')
      await addDeliveries(pool, streamId)
      await pool.query(
        `update risc.deliveries set created_at = now() - interval '30 minutes', retried_at = now() - $1::interval`,
        [retriedAgo],
      )
      await dispatch(pool)
      const { rows } = await pool.query(
        `select (extract(epoch from now()) * 1000 + expires_in_ms)::float8 as expires_at from risc.claim($1, $2)`,
        [workerId, await tickets(pool)],
      )
      const [usage] = await outbox.keyUsage(pool)
      expect(
        Math.abs((usage?.neededUntil?.getTime() ?? 0) - rows[0].expires_at),
        `${streamId} ${retriedAgo}`,
      ).toBeLessThan(5)
      await pool.query('delete from risc.inflight')
    }
  }
})

test('an acceptance may be what a key is needed for longest; a dead letter has no end', async ({
  idp: { pool, outbox },
}) => {
  await addStream(pool, { id: 'a', max_age: '1 hour' })
  await addDeliveries(pool, 'a', 2)
  await pool.query(`update risc.deliveries set state = 'dead', dead_because = 'refused', dead_at = now() where id = 1`)
  await accept(pool, 'key-1', 1)
  const [usage] = await outbox.keyUsage(pool)
  expect((usage?.neededUntil?.getTime() ?? 0) - (usage?.lastAcceptedAt?.getTime() ?? 0)).toBe(24 * HOUR_MS)
  await pool.query('delete from risc.history')
  await pool.query('delete from risc.deliveries where id = 2')
  expect(await outbox.keyUsage(pool)).toMatchObject([{ dead: 1, neededUntil: undefined }])
})

test('a Kysely, a transaction and a client can be asked too', async ({ idp }) => {
  await addStream(idp.pool, { id: 'a' })
  await addDeliveries(idp.pool, 'a')
  const usage = await idp.outbox.keyUsage(idp.pool)
  expect(usage).toHaveLength(1)
  expect(await idp.transaction((trx) => idp.outbox.keyUsage(trx))).toEqual(usage)
  const db = new Kysely<Record<never, never>>({ dialect: new PostgresDialect({ pool: idp.pool }) })
  expect(await idp.outbox.keyUsage(db)).toEqual(usage)
  expect(await db.transaction().execute((trx) => idp.outbox.keyUsage(trx))).toEqual(usage)
})

test.for([-1, Number.NaN, Number.POSITIVE_INFINITY])('%s is not recent', async (recentMs, { idp }) => {
  await expect(idp.outbox.keyUsage(idp.pool, { recentMs })).rejects.toMatchObject({
    code: 'ERR_RISC_INVALID_OPTIONS',
    problems: [{ path: 'recentMs' }],
  })
})
