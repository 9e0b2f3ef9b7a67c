import { createHash } from 'node:crypto'
import type { Pool } from 'pg'
import { describe, expect } from 'vitest'
import { test } from '../support/test.ts'
import { addDeliveries, addManyStreams, addStream, addWorker, claim, dispatch, settle, tickets } from './rows.ts'

async function inFlight(pool: Pool, count: number): Promise<{ workerId: string; jtis: string[]; out: number[] }> {
  const workerId = await addWorker(pool)
  await addStream(pool, { id: 'a' })
  const jtis = await addDeliveries(pool, 'a', count)
  await dispatch(pool)
  const out = await tickets(pool)
  await claim(pool, workerId, out)
  return { workerId, jtis, out }
}

describe('claim', () => {
  test('gives a ticket to one worker only, and to that one again when its answer was lost', async ({
    database: { pool },
  }) => {
    const { workerId, out } = await inFlight(pool, 3)
    const stranger = await addWorker(pool)
    expect(await claim(pool, stranger, out)).toEqual([])
    expect(await claim(pool, workerId, out)).toEqual(out)
  })

  test('yields nothing of a stream that was paused meanwhile: it is queued again', async ({ database: { pool } }) => {
    const workerId = await addWorker(pool)
    await addStream(pool, { id: 'a' })
    await addDeliveries(pool, 'a', 2)
    await dispatch(pool)
    const out = await tickets(pool)
    await pool.query(`update risc.streams set status = 'paused'`)
    expect(await claim(pool, workerId, out)).toEqual([])
    expect((await pool.query('select state from risc.pending')).rows).toEqual([
      { state: 'queued' },
      { state: 'queued' },
    ])
  })

  test('of a stream that was paused before its answer was lost, asked again, queues the delivery', async ({
    database: { pool },
  }) => {
    const { workerId, out } = await inFlight(pool, 2)
    await pool.query(`update risc.streams set status = 'paused'`)
    expect(await claim(pool, workerId, out)).toEqual([])
    expect(await tickets(pool)).toEqual([])
    await pool.query(`update risc.streams set status = 'enabled'`)
    expect(await dispatch(pool)).toBe(2)
  })

  test('yields nothing to a worker that has not registered', async ({ database: { pool } }) => {
    await addWorker(pool)
    await addStream(pool, { id: 'a' })
    await addDeliveries(pool, 'a')
    await dispatch(pool)
    expect(await claim(pool, '00000000-0000-4000-8000-000000000000', await tickets(pool))).toEqual([])
  })

  test('frees at once the place of a ticket whose delivery is gone', async ({ database: { pool } }) => {
    const { workerId, out } = await inFlight(pool, 1)
    await pool.query('delete from risc.deliveries')
    await pool.query('update risc.inflight set worker_id = null, claimed_at = null')
    expect(await claim(pool, workerId, out)).toEqual([])
    expect(await tickets(pool)).toEqual([])
  })

  test('yields nothing for a ticket that is gone', async ({ database: { pool } }) => {
    const { workerId, out } = await inFlight(pool, 1)
    await settle(pool, [{ ticket: out[0], next: 'accepted', counts: true, status: 202 }])
    expect(await claim(pool, workerId, [...out, 999_999])).toEqual([])
  })
})

describe('the time a delivery has', () => {
  async function expiresInHours(pool: Pool): Promise<number> {
    const workerId = await addWorker(pool)
    await dispatch(pool)
    const { rows } = await pool.query('select expires_in_ms from risc.claim($1, $2)', [workerId, await tickets(pool)])
    return Math.round(Number(rows[0].expires_in_ms) / 3_600_000)
  }

  test('is its stream’s max_age, from the moment it was enqueued', async ({ database: { pool } }) => {
    await addStream(pool, { id: 'a', max_age: '72 hours' })
    await addDeliveries(pool, 'a')
    await pool.query(`update risc.deliveries set created_at = now() - interval '2 hours'`)
    expect(await expiresInHours(pool)).toBe(70)
  })

  test('starts anew with an operator’s retry', async ({ database: { pool } }) => {
    await addStream(pool, { id: 'a', max_age: '72 hours' })
    await addDeliveries(pool, 'a')
    await pool.query(
      `update risc.deliveries set state = 'dead', dead_because = 'exhausted', dead_at = now(), created_at = now() - interval '30 days'`,
    )
    await pool.query('select risc.retry(array(select jti from risc.dead))')
    expect(await expiresInHours(pool)).toBe(72)
  })

  test('ends with the exp of a SET of the profile login.gov', async ({ database: { pool } }) => {
    await addStream(pool, { id: 'a', max_age: '72 hours', profile: 'login.gov' })
    await addDeliveries(pool, 'a')
    await pool.query(`update risc.deliveries set retried_at = now(), created_at = now() - interval '13 hours'`)
    expect(await expiresInHours(pool)).toBe(-1)
  })
})

describe('settle', () => {
  test('moves what was accepted to history, and keeps nothing of what it said', async ({ database: { pool } }) => {
    const { jtis, out } = await inFlight(pool, 2)
    expect(
      await settle(
        pool,
        out.map((ticket) => ({ ticket, next: 'accepted', counts: true, status: 202 })),
      ),
    ).toEqual(out)
    const { rows } = await pool.query('select * from risc.history order by delivery_id')
    expect(rows.map((row) => [row.jti, row.outcome, row.status, row.attempts])).toEqual(
      jtis.map((jti) => [jti, 'accepted', 202, 1]),
    )
    expect(JSON.stringify(rows)).not.toContain('head.')
    expect((await pool.query('select from risc.deliveries')).rowCount).toBe(0)
    expect(await tickets(pool)).toEqual([])
  })

  test('keeps the proof of what was accepted: hash, key, address, status, attempts', async ({ database: { pool } }) => {
    const { jtis, out } = await inFlight(pool, 1)
    const { rows: sent } = await pool.query<{ signed_set: string }>('select signed_set from risc.deliveries')
    const connected_to = '192.0.2.7:443'
    await settle(pool, [
      { ticket: out[0], next: 'accepted', counts: true, status: 202, connected_to, duration_ms: 12.4 },
    ])
    const { rows } = await pool.query(
      `select jti, kid, encode(set_sha256, 'hex') as sha256, connected_to, status, attempts from risc.history`,
    )
    const sha256 = createHash('sha256')
      .update(sent[0]?.signed_set ?? '')
      .digest('hex')
    expect(rows).toEqual([{ jti: jtis[0], kid: 'key-1', sha256, connected_to, status: 202, attempts: 1 }])
    expect((await pool.query('select from risc.attempts')).rowCount).toBe(0)
  })

  test('keeps each attempt that was not accepted, and nothing of what was given up untried', async ({
    database: { pool },
  }) => {
    const { jtis, workerId, out } = await inFlight(pool, 3)
    await claim(pool, workerId, out)
    const refused = { status: 400, reason: 'invalid_audience', description: 'not us', connected_to: '192.0.2.7:443' }
    await settle(pool, [
      { ticket: out[0], next: 'dead', counts: true, dead_because: 'refused', ...refused, duration_ms: 12.4 },
      { ticket: out[1], next: 'retry', counts: false, delay_ms: 0, reason: 'timeout', duration_ms: 3000 },
      { ticket: out[2], next: 'dead', counts: false, dead_because: 'expired', reason: 'too_old' },
    ])
    const { rows } = await pool.query('select * from risc.attempts order by delivery_id')
    expect(rows).toEqual([
      expect.objectContaining({ jti: jtis[0], attempt: 1, counted: true, duration_ms: 12, worker: 'test', ...refused }),
      expect.objectContaining({ jti: jtis[1], attempt: 0, counted: false, duration_ms: 3000, reason: 'timeout' }),
    ])
  })

  test('queues again what is to be retried, no sooner than asked, and counts the attempt only if it counts', async ({
    database: { pool },
  }) => {
    const { out } = await inFlight(pool, 2)
    await settle(
      pool,
      out.map((ticket, index) => ({
        ticket,
        next: 'retry',
        counts: index === 0,
        delay_ms: 60_000,
        status: 503,
        reason: 'server_error',
      })),
    )
    const { rows } = await pool.query(
      `select state, attempts, last_status, last_reason, due_at - last_attempt_at = interval '60 s' as waits from risc.deliveries order by id`,
    )
    const waiting = { state: 'queued', last_status: 503, last_reason: 'server_error', waits: true }
    expect(rows).toEqual([
      { ...waiting, attempts: 1 },
      { ...waiting, attempts: 0 },
    ])
  })

  test('keeps a dead letter with why, and the next delivery of the stream flows', async ({ database: { pool } }) => {
    const { jtis, out } = await inFlight(pool, 1)
    await settle(pool, [
      {
        ticket: out[0],
        next: 'dead',
        counts: true,
        dead_because: 'refused',
        status: 400,
        reason: 'invalid_audience',
        description: 'not us',
      },
    ])
    const { rows } = await pool.query('select jti, attempts, dead_because, status, reason, description from risc.dead')
    expect(rows).toEqual([
      {
        jti: jtis[0],
        attempts: 1,
        dead_because: 'refused',
        status: 400,
        reason: 'invalid_audience',
        description: 'not us',
      },
    ])
    await addDeliveries(pool, 'a')
    expect(await dispatch(pool)).toBe(1)
  })

  test('records nothing for a worker that was given up: its ticket is gone', async ({ database: { pool } }) => {
    const { workerId, out } = await inFlight(pool, 1)
    const delivery = (await pool.query('select id as delivery_id from risc.deliveries')).rows[0]
    await pool.query('select risc.hand_back($1, $2)', [workerId, out])
    await dispatch(pool)
    expect(await settle(pool, [{ ticket: out[0], ...delivery, next: 'accepted', counts: true, status: 202 }])).toEqual(
      [],
    )
    expect((await pool.query('select from risc.history')).rowCount).toBe(0)
    expect(await tickets(pool)).toHaveLength(1)
  })

  test('records nothing for another delivery that has got the same ticket from a server without its last commits', async ({
    database: { pool },
  }) => {
    const { out } = await inFlight(pool, 1)
    const outcome = { ticket: out[0], delivery_id: 999_999, next: 'accepted', counts: true, status: 202 }
    expect(await settle(pool, [outcome])).toEqual([])
    expect(await tickets(pool)).toEqual(out)
  })

  test('pauses a stream whose receiver is gone, once, with the reason and in nobody’s name', async ({
    database: { pool },
  }) => {
    const { out } = await inFlight(pool, 2)
    await pool.query(`update risc.streams set status_changed_by = 'jane@host-1'`)
    await settle(
      pool,
      out.map((ticket) => ({
        ticket,
        next: 'retry',
        counts: false,
        delay_ms: 0,
        pauses: true,
        status: 410,
        reason: 'receiver_gone',
      })),
    )
    const { rows } = await pool.query(
      `select h.status, h.status_reason, h.queued::integer, s.status_changed_by
       from risc.stream_health h join risc.streams s on s.id = h.stream_id`,
    )
    expect(rows).toEqual([{ status: 'paused', status_reason: 'receiver_gone', queued: 2, status_changed_by: null }])
    expect(await dispatch(pool)).toBe(0)
  })

  test('takes a batch with every kind of outcome in one statement', async ({ database: { pool } }) => {
    const { out } = await inFlight(pool, 40)
    const kinds = [
      { next: 'accepted', counts: true, status: 202 },
      { next: 'retry', counts: true, delay_ms: 1000, reason: 'timeout' },
      { next: 'dead', counts: true, dead_because: 'exhausted', reason: 'server_error', status: 500 },
      { next: 'retry', counts: false, delay_ms: 0, reason: 'rate_limited', status: 429 },
    ]
    expect(
      await settle(
        pool,
        out.map((ticket, index) => ({ ticket, ...kinds[index % kinds.length] })),
      ),
    ).toEqual(out)
    const { rows } = await pool.query(`
      select (select count(*) from risc.history)::integer as accepted, (select count(*) from risc.dead)::integer as dead,
        count(*) filter (where attempts = 1)::integer as counted, count(*) filter (where attempts = 0)::integer as uncounted
      from risc.pending`)
    expect(rows).toEqual([{ accepted: 10, dead: 10, counted: 10, uncounted: 10 }])
  })
})

describe('what a stream has earned', () => {
  async function afterwards(pool: Pool, outcomes: readonly object[]): Promise<{ ramp: number; failures: number }> {
    const workerId = await addWorker(pool)
    await addStream(pool, { id: 'a', unproven: true })
    await pool.query(`update risc.flow set ramp = 4, failures = 3`)
    await addDeliveries(pool, 'a', outcomes.length)
    await dispatch(pool)
    const out = await tickets(pool)
    await claim(pool, workerId, out)
    await settle(
      pool,
      outcomes.map((outcome, index) => ({ ticket: out[index], counts: true, ...outcome })),
    )
    return (await pool.query('select ramp, failures from risc.flow')).rows[0]
  }
  const trouble = { next: 'retry', reason: 'timeout', delay_ms: 0 }

  test('doubles with an answer, and its failures are forgotten', async ({ database: { pool } }) => {
    expect(await afterwards(pool, [{ next: 'accepted' }, trouble])).toEqual({ ramp: 8, failures: 0 })
  })

  test('doubles with a refusal too: its receiver works as it should', async ({ database: { pool } }) => {
    const refused = { next: 'dead', dead_because: 'refused', reason: 'invalid_audience' }
    expect(await afterwards(pool, [refused])).toEqual({ ramp: 8, failures: 0 })
  })

  test('is halved by trouble', async ({ database: { pool } }) => {
    expect(await afterwards(pool, [trouble, trouble])).toEqual({ ramp: 2, failures: 4 })
  })

  test('is left as it is by a kept connection that was closed meanwhile', async ({ database: { pool } }) => {
    const stale = { next: 'retry', counts: false, reason: 'stale_connection', delay_ms: 1000 }
    expect(await afterwards(pool, [stale])).toEqual({ ramp: 4, failures: 3 })
  })

  test('never exceeds the window', async ({ database: { pool } }) => {
    await addStream(pool, { id: 'a', max_in_flight: 5, unproven: true })
    for (let n = 0; n < 9; n++) await pool.query(`select risc.learn('[{"stream_id": "a", "answered": true}]')`)
    expect((await pool.query('select ramp from risc.flow')).rows).toEqual([{ ramp: 5 }])
    await pool.query(`select risc.learn('[{"stream_id": "a", "answered": false, "troubled": "timeout"}]')`)
    expect((await pool.query('select ramp, failures from risc.flow')).rows).toEqual([{ ramp: 2, failures: 1 }])
  })

  test('is halved by a dead letter that all attempts have failed', async ({ database: { pool } }) => {
    const exhausted = { next: 'dead', dead_because: 'exhausted', reason: 'timeout' }
    expect(await afterwards(pool, [exhausted])).toEqual({ ramp: 2, failures: 4 })
  })
})

describe('retry', () => {
  test('gives dead letters all their attempts back, and is done once however often it is asked', async ({
    database: { pool },
  }) => {
    const { jtis, out } = await inFlight(pool, 1)
    await settle(pool, [{ ticket: out[0], next: 'dead', counts: true, dead_because: 'exhausted', reason: 'timeout' }])
    expect((await pool.query('select risc.retry($1) as jti', [jtis])).rows).toEqual([{ jti: jtis[0] }])
    await pool.query('select risc.retry($1)', [jtis])
    const { rows } = await pool.query('select jti, state, attempts from risc.pending')
    expect(rows).toEqual([{ jti: jtis[0], state: 'queued', attempts: 0 }])
    expect(await dispatch(pool)).toBe(1)
  })

  test('leaves alone what is in flight', async ({ database: { pool } }) => {
    const { jtis } = await inFlight(pool, 1)
    expect((await pool.query('select risc.retry($1)', [jtis])).rows).toEqual([])
  })
})

test('a settle looks at the streams of its outcomes, not at all that there are', async ({ database: { pool } }) => {
  const workerId = await addWorker(pool)
  await addManyStreams(pool, 600)
  await dispatch(pool)
  const [ticket = 0] = await claim(pool, workerId, (await tickets(pool)).slice(0, 1))
  const client = await pool.connect()
  const looked = async (): Promise<number> => {
    const { rows } = await client.query(
      `select pg_stat_get_xact_tuples_returned('risc.flow_pkey'::regclass)::integer as looked`,
    )
    return rows[0].looked
  }
  try {
    await client.query('begin')
    const before = await looked()
    expect(await settle(client, [{ ticket, next: 'accepted', counts: true, status: 202, duration_ms: 5 }])).toEqual([
      ticket,
    ])
    expect((await looked()) - before).toBeLessThan(10)
    await client.query('commit')
  } finally {
    client.release()
  }
})
