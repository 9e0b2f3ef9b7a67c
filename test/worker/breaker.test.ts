import type { Pool } from 'pg'
import { expect } from 'vitest'
import { test } from '../support/test.ts'
import { addDeliveries, addStream, addWorker, claim, dispatch, settle, tickets } from './rows.ts'

const timeout = { next: 'retry', reason: 'timeout', counts: true, delay_ms: 0 }
const forbidden = { next: 'retry', reason: 'access_denied', holds: true, counts: false, delay_ms: 0 }
const accepted = { next: 'accepted', counts: true, status: 202 }

async function streamWithBacklog(pool: Pool): Promise<string> {
  await addStream(pool, { id: 'a' })
  await addDeliveries(pool, 'a', 1000)
  return addWorker(pool)
}

/** One pass, and what comes of all that it handed over. Returns how many that were. */
async function round(pool: Pool, workerId: string, outcome: object): Promise<number> {
  const handed = await dispatch(pool)
  const out = await tickets(pool)
  await claim(pool, workerId, out)
  if (out.length > 0)
    await settle(
      pool,
      out.map((ticket) => ({ ticket, ...outcome })),
    )
  return handed
}

async function breaker(pool: Pool): Promise<{ seconds: number | null; because: string | null }> {
  const { rows } = await pool.query(`
    select round(extract(epoch from open_until - now()))::integer as seconds, open_because as because from risc.flow`)
  return rows[0]
}

/** Lets time go by for the breaker alone. */
async function pass(pool: Pool, seconds: number): Promise<void> {
  await pool.query(`update risc.flow set open_until = open_until - $1 * interval '1 second'`, [seconds])
}

async function open(pool: Pool, workerId: string): Promise<void> {
  for (let n = 1; n <= 5; n++) await round(pool, workerId, timeout)
}

test('settles do not wait for a transaction that mends a stream, and other streams’ outcomes are recorded', async ({
  database: { pool },
}) => {
  await addWorker(pool)
  for (const id of ['mended', 'other']) {
    await addStream(pool, { id })
    await addDeliveries(pool, id)
  }
  await dispatch(pool)
  const out = await tickets(pool)
  await pool.query(`update risc.flow set failures = 1`)
  const mending = await pool.connect()
  try {
    await mending.query('begin')
    await mending.query(`update risc.flow set open_until = now(), open_because = 'timeout' where stream_id = 'mended'`)
    expect(
      await settle(
        pool,
        out.map((ticket) => ({ ticket, next: 'accepted', counts: true, status: 202 })),
      ),
    ).toEqual(out)
    await mending.query('rollback')
  } finally {
    mending.release()
  }
})

test.for([
  ['proxy_failed', 'a proxy of our own that fails', 'nor a longer pause', 0],
  ['token_unavailable', 'a token endpoint in trouble', 'but a longer pause each time', 1],
] as const)(
  '%s: %s holds streams back, and costs them no part of their window, %s',
  async ([reason, , , openings], { database: { pool } }) => {
    await addWorker(pool)
    await addStream(pool, { id: 'a', ordering: 'none' })
    await addDeliveries(pool, 'a', 6)
    await dispatch(pool)
    for (const ticket of await tickets(pool)) {
      await settle(pool, [{ ticket, next: 'retry', counts: false, delay_ms: 0, reason, duration_ms: 1 }])
    }
    const { rows } = await pool.query('select ramp, openings, open_because from risc.flow')
    expect(rows).toEqual([{ ramp: 10_000, openings, open_because: reason }])
  },
)

test('five batches of nothing but trouble open the breaker, and nothing more is sent', async ({
  database: { pool },
}) => {
  const workerId = await streamWithBacklog(pool)
  for (let n = 1; n <= 4; n++) expect(await round(pool, workerId, timeout)).toBeGreaterThan(0)
  expect(await breaker(pool)).toEqual({ seconds: null, because: null })
  await round(pool, workerId, timeout)
  expect(await breaker(pool)).toEqual({ seconds: 10, because: 'timeout' })
  expect(await dispatch(pool)).toBe(0)
})

test('one answer among them keeps it closed', async ({ database: { pool } }) => {
  const workerId = await streamWithBacklog(pool)
  for (let n = 1; n <= 4; n++) await round(pool, workerId, timeout)
  await round(pool, workerId, { next: 'dead', counts: true, dead_because: 'refused', reason: 'invalid_audience' })
  for (let n = 1; n <= 4; n++) expect(await round(pool, workerId, timeout)).toBeGreaterThan(0)
  expect(await breaker(pool)).toEqual({ seconds: null, because: null })
})

test('after its pause one delivery is sent to ask, and no second before that one is answered', async ({
  database: { pool },
}) => {
  const workerId = await streamWithBacklog(pool)
  await open(pool, workerId)
  await pass(pool, 10)
  expect(await dispatch(pool)).toBe(1)
  expect(await dispatch(pool)).toBe(0)
  const { rows } = await pool.query('select probe from risc.claim($1, $2)', [workerId, await tickets(pool)])
  expect(rows).toEqual([{ probe: true }])
})

test('the answer to a probe closes it, and the window grows from two', async ({ database: { pool } }) => {
  const workerId = await streamWithBacklog(pool)
  await open(pool, workerId)
  await pass(pool, 10)
  await round(pool, workerId, accepted)
  expect(await breaker(pool)).toEqual({ seconds: null, because: null })
  expect(await round(pool, workerId, accepted)).toBe(2)
  expect(await round(pool, workerId, accepted)).toBe(4)
})

test('each probe in vain doubles the pause, up to ten minutes', async ({ database: { pool } }) => {
  const workerId = await streamWithBacklog(pool)
  await open(pool, workerId)
  const pauses: unknown[] = []
  for (let n = 1; n <= 8; n++) {
    await pass(pool, 600)
    expect(await round(pool, workerId, { ...timeout, counts: false })).toBe(1)
    pauses.push((await breaker(pool)).seconds)
  }
  expect(pauses).toEqual([20, 40, 80, 160, 320, 600, 600, 600])
})

test('what was sent before it opened makes no pause longer', async ({ database: { pool } }) => {
  const workerId = await streamWithBacklog(pool)
  for (let n = 1; n <= 4; n++) await round(pool, workerId, timeout)
  await dispatch(pool)
  const out = await tickets(pool)
  expect(out.length).toBeGreaterThan(2)
  await claim(pool, workerId, out)
  for (const ticket of out) await settle(pool, [{ ticket, ...timeout }])
  expect(await breaker(pool)).toEqual({ seconds: 10, because: 'timeout' })
})

test('a late answer to what was sent before it opened closes it', async ({ database: { pool } }) => {
  const workerId = await streamWithBacklog(pool)
  await dispatch(pool)
  const [late] = await tickets(pool)
  await claim(pool, workerId, await tickets(pool))
  for (const ticket of (await tickets(pool)).slice(1, 6)) await settle(pool, [{ ticket, ...timeout }])
  expect(await breaker(pool)).toMatchObject({ because: 'timeout' })
  await settle(pool, [{ ticket: late, ...accepted }])
  expect(await breaker(pool)).toEqual({ seconds: null, because: null })
})

test('credentials or an address that somebody has to mend open it at once, and for longer', async ({
  database: { pool },
}) => {
  const workerId = await streamWithBacklog(pool)
  await round(pool, workerId, forbidden)
  expect(await breaker(pool)).toEqual({ seconds: 60, because: 'access_denied' })
  await pass(pool, 60)
  await round(pool, workerId, forbidden)
  expect(await breaker(pool)).toEqual({ seconds: 120, because: 'access_denied' })
  expect((await pool.query('select max(attempts) as attempts from risc.deliveries')).rows).toEqual([{ attempts: 0 }])
})

test.for(['endpoint_url', 'credential', 'status'])(
  'a stream whose %s was changed is asked at once',
  async (column, { database: { pool } }) => {
    const workerId = await streamWithBacklog(pool)
    await round(pool, workerId, forbidden)
    expect(await dispatch(pool)).toBe(0)
    await pool.query(`update risc.streams set ${column} = $1`, [
      { endpoint_url: 'https://mended/', credential: 'file:mended.credential@', status: 'enabled' }[column],
    ])
    expect(await dispatch(pool)).toBe(1)
  },
)

test('a receiver that asks for time gets it, ten minutes at most, though it accepts others at that moment', async ({
  database: { pool },
}) => {
  const workerId = await streamWithBacklog(pool)
  await dispatch(pool)
  const [first, ...others] = await tickets(pool)
  await claim(pool, workerId, [first ?? 0, ...others])
  const busy = { next: 'retry', reason: 'rate_limited', counts: false, delay_ms: 30_000, waits_ms: 30_000 }
  await settle(pool, [{ ticket: first, ...busy }, ...others.slice(1).map((ticket) => ({ ticket, ...accepted }))])
  expect(await breaker(pool)).toEqual({ seconds: 30, because: 'rate_limited' })
  expect(await dispatch(pool)).toBe(0)
  await settle(pool, [{ ticket: others[0], ...busy, waits_ms: 86_400_000 }])
  expect(await breaker(pool)).toEqual({ seconds: 600, because: 'rate_limited' })
})

test('a receiver that answers every probe with a wish to be asked at once is asked ever less often', async ({
  database: { pool },
}) => {
  const workerId = await streamWithBacklog(pool)
  const wish = { next: 'retry', reason: 'server_error', counts: false, delay_ms: 1000, waits_ms: 0 }
  await round(pool, workerId, wish)
  const pauses: unknown[] = [(await breaker(pool)).seconds]
  for (let n = 1; n <= 3; n++) {
    await pass(pool, 600)
    await round(pool, workerId, wish)
    pauses.push((await breaker(pool)).seconds)
  }
  expect(pauses).toEqual([1, 10, 20, 40])
})

test('a batch rewrites the flow of those streams alone whose flow changes', async ({ database: { pool } }) => {
  for (const id of ['a', 'b', 'c']) await addStream(pool, { id, max_in_flight: 50 })
  await pool.query(`update risc.flow set ramp = 50, failures = (stream_id = 'b')::integer`)
  const versions = async () => (await pool.query('select stream_id, xmin from risc.flow order by stream_id')).rows
  const [a, b, c] = await versions()
  const lessons = ['c', 'b', 'a'].map((id) => ({ stream_id: id, answered: true, slow: false }))
  await pool.query('select risc.learn($1)', [JSON.stringify(lessons)])
  const [nextA, nextB, nextC] = await versions()
  expect([nextA, nextC]).toEqual([a, c])
  expect(nextB).not.toEqual(b)
})
