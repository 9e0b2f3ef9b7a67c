import fc from 'fast-check'
import type { Pool } from 'pg'
import { expect } from 'vitest'
import { until } from '../support/until.ts'
import { addDeadLetters, letRatesPass, progressOf, startRedrive, turn } from './dead-letters.ts'
import { addDeliveries, addStream, addWorker, claim, dispatch, settle, tickets } from './rows.ts'
import { test } from './started-worker.ts'

async function queued(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query(`select jti from risc.deliveries where state = 'queued' order by id`)
  return rows.map(({ jti }) => jti)
}

/** So many slots that they are never what a redrive waits for. */
const FLEET = 40_000

/** One turn, when the rate has allowed the next dead letter for so many milliseconds. */
async function turnWhenDueFor(pool: Pool, ms: number): Promise<Record<string, number> | undefined> {
  const client = await pool.connect()
  try {
    await client.query('begin') // one transaction has one time
    await client.query(`update risc.redrive_streams set next_at = now() - $1 * interval '1 millisecond'`, [ms])
    const report = await turn(client)
    await client.query('commit')
    return report
  } finally {
    client.release()
  }
}

/** Hands over, claims and settles all that is due, as a quick receiver lets workers do. */
async function deliverAll(pool: Pool, workerId: string, next: 'accepted' | 'dead' = 'accepted'): Promise<number> {
  await pool.query('update risc.workers set beat_at = now()')
  await dispatch(pool)
  const out = await tickets(pool)
  await claim(pool, workerId, out)
  const outcome =
    next === 'accepted' ? { next, status: 202 } : { next, dead_because: 'refused', reason: 'refused', status: 400 }
  await settle(
    pool,
    out.map((ticket) => ({ ticket, counts: true, duration_ms: 5, ...outcome })),
  )
  return out.length
}

test('dead letters are released in their order, no more a second than was said, with all their attempts', async ({
  database: { pool },
}) => {
  await addWorker(pool, { slots: FLEET })
  await addStream(pool, { id: 'a', max_in_flight: 1000 })
  const jtis = await addDeadLetters(pool, 'a', 30)
  const id = await startRedrive(pool, { perSecond: 10 })
  expect(await turnWhenDueFor(pool, 0)).toEqual({ released: 1, skipped: 0, running: 1 })
  expect(await turnWhenDueFor(pool, -1)).toMatchObject({ released: 0 })
  expect(await turnWhenDueFor(pool, 450)).toMatchObject({ released: 5 })
  expect(await turnWhenDueFor(pool, 3_600_000)).toMatchObject({ released: 11 }) // a second's worth, and the one that is due
  expect(await queued(pool)).toEqual(jtis.slice(0, 17))
  expect(await progressOf(pool, id)).toMatchObject({
    state: 'running',
    total: 30,
    released: 17,
    remaining: 13,
    waiting: 17,
  })
  const { rows } = await pool.query(
    `select distinct attempts, dead_because, dead_at, due_at <= now() as due, retried_at is not null as anew
     from risc.deliveries where state = 'queued'`,
  )
  expect(rows).toEqual([{ attempts: 0, dead_because: null, dead_at: null, due: true, anew: true }])
})

test('over any time the rate is kept, by turns that come when they come', async ({ database: { pool } }) => {
  await addWorker(pool, { slots: FLEET })
  await addStream(pool, { id: 'a', max_in_flight: 1000 })
  await addDeadLetters(pool, 'a', 400)
  const id = await startRedrive(pool, { perSecond: 10 })
  const begunAt = performance.now()
  for (const ms of [300, 40, 700, 5, 900, 333, 1, 250, 500, 971]) {
    await letRatesPass(pool, ms)
    await turn(pool)
  }
  const { released } = await progressOf(pool, id)
  expect(released).toBeGreaterThanOrEqual(40)
  expect(released).toBeLessThanOrEqual(41 + Math.ceil((performance.now() - begunAt) / 100))
})

test('by default a stream gets a quarter of its rate limit, and fifty a second at most', async ({
  database: { pool },
}) => {
  await addStream(pool, { id: 'a', rate_limit: 1200, rate_interval: '60 s' })
  await addStream(pool, { id: 'b' })
  await addDeadLetters(pool, 'a')
  await addDeadLetters(pool, 'b')
  await startRedrive(pool)
  const { rows } = await pool.query('select stream_id, per_second from risc.redrive_streams order by stream_id')
  expect(rows).toEqual([
    { stream_id: 'a', per_second: 5 },
    { stream_id: 'b', per_second: 50 },
  ])
})

test('nothing is released while live deliveries wait for room, and half of the window stays free', async ({
  database: { pool },
}) => {
  const workerId = await addWorker(pool, { slots: FLEET })
  await addStream(pool, { id: 'a', max_in_flight: 10 })
  await addDeadLetters(pool, 'a', 100)
  await startRedrive(pool, { perSecond: 1000 })
  await addDeliveries(pool, 'a', 25)
  await dispatch(pool)
  expect(await turn(pool)).toMatchObject({ released: 0 }) // ten in flight, fifteen wait
  await deliverAll(pool, workerId)
  expect(await turn(pool)).toMatchObject({ released: 0 }) // nothing in flight, fifteen wait
  await deliverAll(pool, workerId)
  await letRatesPass(pool, 1000)
  expect(await turn(pool)).toMatchObject({ released: 0 }) // five wait
  await deliverAll(pool, workerId)
  expect(await turn(pool)).toMatchObject({ released: 5 })
  await letRatesPass(pool, 1000)
  expect(await turn(pool)).toMatchObject({ released: 0 }) // its own count too
})

test('half of what a stream may be sent at once stays for live deliveries', async ({ database: { pool } }) => {
  const workerId = await addWorker(pool, { slots: FLEET })
  await addStream(pool, { id: 'a', rate_limit: 200, rate_interval: '1 hour' }) // twenty at once
  await addDeadLetters(pool, 'a', 100)
  await startRedrive(pool, { perSecond: 1000 })
  await letRatesPass(pool, 1000)
  expect(await turn(pool)).toMatchObject({ released: 10 })
  expect(await deliverAll(pool, workerId)).toBe(10)
  await letRatesPass(pool, 1000)
  expect(await turn(pool)).toMatchObject({ released: 0 })
  await addDeliveries(pool, 'a', 10)
  expect(await deliverAll(pool, workerId)).toBe(10)
})

test('a quarter of the fleet’s slots stays free, and of the others few are taken at a time', async ({
  database: { pool },
}) => {
  const workerId = await addWorker(pool, { slots: 256 })
  for (const id of ['a', 'b', 'c', 'd']) {
    await addStream(pool, { id, max_in_flight: 120 })
    await addDeadLetters(pool, id, 60)
  }
  await startRedrive(pool, { perSecond: 1000 })
  const turns: (number | undefined)[] = []
  for (let n = 0; n < 50; n++) {
    await letRatesPass(pool, 1000)
    turns.push((await turn(pool))?.['released'])
    await dispatch(pool)
    await claim(pool, workerId, await tickets(pool))
    await pool.query(`update risc.inflight set claimed_at = now() + interval '1 hour'`) // none hangs, however long this takes
  }
  expect(turns.slice(0, 48)).toEqual(Array.from({ length: 48 }, () => 4))
  expect(turns.slice(48)).toEqual([0, 0]) // 192 in flight
})

test('a fleet that is behind with what was released is not given more', async ({ database: { pool } }) => {
  const workerId = await addWorker(pool, { slots: 256 })
  await addStream(pool, { id: 'a' })
  await addDeadLetters(pool, 'a', 20)
  await startRedrive(pool, { perSecond: 1000 })
  const nextTurn = async () => {
    await letRatesPass(pool, 1000)
    return (await turn(pool))?.['released']
  }
  expect(await nextTurn()).toBe(4)
  expect(await nextTurn()).toBe(0) // no pass was made
  await dispatch(pool)
  expect(await nextTurn()).toBe(0) // no worker has claimed one
  const [first = 0] = await tickets(pool)
  await claim(pool, workerId, [first])
  expect(await nextTurn()).toBe(1)
})

test.for([
  { what: 'paused', change: `update risc.streams set status = 'paused'`, released: 0 },
  { what: 'disabled', change: `update risc.streams set status = 'disabled'`, released: 0 },
  {
    what: 'held by its breaker',
    change: `update risc.flow set open_until = now() + interval '1 minute', open_because = 'timeout'`,
    released: 0,
  },
  {
    what: 'to be tried by its breaker',
    change: `update risc.flow set open_until = now(), open_because = 'timeout'`,
    released: 1,
  },
])('while a stream is $what, $released of its dead letters is released', async ({ change, released }, { database }) => {
  const { pool } = database
  await addWorker(pool, { slots: FLEET })
  await addStream(pool, { id: 'a' })
  await addDeadLetters(pool, 'a', 10)
  const id = await startRedrive(pool, { perSecond: 1000 })
  await letRatesPass(pool, 1000)
  await pool.query(change)
  expect(await turn(pool)).toMatchObject({ released, running: 1 })
  await letRatesPass(pool, 1000)
  expect(await turn(pool)).toMatchObject({ released: 0, running: 1 })
  expect(await progressOf(pool, id)).toMatchObject({ state: 'running', remaining: 10 - released })
})

test('of ten thousand dead letters half are sent, cancelled, resumed, and all arrive once, live ones beside them', {
  timeout: 120_000,
}, async ({ database: { pool } }) => {
  const workerId = await addWorker(pool, { slots: FLEET })
  const ids = ['a', 'b', 'c', 'd', 'e']
  for (const id of ids) await addStream(pool, { id, max_in_flight: 100 })
  const dead = (await Promise.all(ids.map((id) => addDeadLetters(pool, id, 2000)))).flat()
  const redrive = await startRedrive(pool, { perSecond: 1000 })
  const live: string[] = []

  async function sendUntil(enough: (progress: Record<string, unknown>) => boolean): Promise<void> {
    for (let n = 0; !enough(await progressOf(pool, redrive)); n++) {
      expect(n, 'turns').toBeLessThan(1000)
      await letRatesPass(pool, 1000)
      await turn(pool)
      live.push(...(await addDeliveries(pool, ids[n % ids.length] ?? '', 3)))
      await deliverAll(pool, workerId)
    }
  }

  await sendUntil(({ released }) => Number(released) >= 5000)
  expect((await pool.query(`select risc.cancel_redrive($1, 'operator') as was`, [redrive])).rows).toEqual([
    { was: true },
  ])
  await deliverAll(pool, workerId)
  const half = await progressOf(pool, redrive)
  await letRatesPass(pool, 10_000)
  expect(await turn(pool)).toEqual({ released: 0, skipped: 0, running: 0 })
  expect(half).toMatchObject({
    state: 'cancelled',
    total: 10_000,
    waiting: 0,
    dead_again: 0,
    accepted: half['released'],
  })
  expect(Number(half['released']) + Number(half['remaining'])).toBe(10_000)
  expect((await pool.query('select from risc.dead')).rowCount).toBe(half['remaining'])

  await pool.query('select risc.resume_redrive($1)', [redrive])
  await sendUntil(({ state, waiting }) => state === 'done' && waiting === 0)
  expect(await progressOf(pool, redrive)).toMatchObject({
    released: 10_000,
    accepted: 10_000,
    remaining: 0,
    skipped: 0,
  })
  await deliverAll(pool, workerId)
  const { rows } = await pool.query(`select jti from risc.history where outcome = 'accepted'`)
  expect(rows.map(({ jti }) => jti).toSorted()).toEqual([...dead, ...live].toSorted())
  expect((await pool.query('select from risc.deliveries')).rowCount).toBe(0)
})

test('raising limits, a higher age and a stream that is enabled again revive no dead letter', async ({
  database: { pool },
}) => {
  await addWorker(pool, { slots: FLEET })
  await addStream(pool, { id: 'a', status: 'paused' })
  await addDeadLetters(pool, 'a', 3, { because: 'expired' })
  await pool.query(`
    update risc.streams set status = 'enabled', max_age = '1 year', retry_delays_ms = '{1,1,1,1,1,1,1,1,1}',
      rate_limit = 1000000, max_in_flight = 1000, endpoint_url = 'https://new.example/'`)
  for (let n = 0; n < 3; n++) {
    await pool.query('select risc.tidy(), risc.survey(), risc.maintain(20000)')
    expect(await turn(pool)).toEqual({ released: 0, skipped: 0, running: 0 })
    expect(await dispatch(pool)).toBe(0)
  }
  expect((await pool.query('select from risc.dead')).rowCount).toBe(3)
})

test('what has died since the redrive began, be it again, is left alone', async ({ database: { pool } }) => {
  const workerId = await addWorker(pool, { slots: FLEET })
  await addStream(pool, { id: 'a' })
  await addDeadLetters(pool, 'a', 3)
  const id = await startRedrive(pool, { perSecond: 1 })
  await addDeadLetters(pool, 'a', 5)
  for (let n = 0; n < 6; n++) {
    await letRatesPass(pool, 1000)
    await turn(pool)
    await deliverAll(pool, workerId, 'dead')
  }
  expect(await progressOf(pool, id)).toMatchObject({ state: 'done', total: 3, released: 3, dead_again: 3, accepted: 0 })
  expect((await pool.query('select from risc.dead')).rowCount).toBe(8)
})

test('a SET whose exp has passed is skipped, and counted as such', async ({ database: { pool } }) => {
  await addWorker(pool, { slots: FLEET })
  await addStream(pool, { id: 'a', profile: 'login.gov' })
  const old = await addDeadLetters(pool, 'a', 3, { age: '12 hours' })
  await addDeadLetters(pool, 'a', 2, { age: '11 hours' })
  await addDeadLetters(pool, 'a', 1, { age: '12 hours' })
  const id = await startRedrive(pool, { perSecond: 1000 })
  await letRatesPass(pool, 1000)
  expect(await turn(pool)).toEqual({ released: 2, skipped: 4, running: 0 })
  expect(await progressOf(pool, id)).toMatchObject({ state: 'done', total: 6, released: 2, skipped: 4, remaining: 0 })
  expect((await pool.query('select from risc.dead')).rowCount).toBe(4)
  expect((await pool.query('select risc.retry($1)', [old])).rows).toEqual([])
  expect(await startRedrive(pool)).toBeNull()
})

test('what is about the stream itself is not sent again in numbers, since it may not be so any more', async ({
  database: { pool },
}) => {
  await addWorker(pool, { slots: FLEET })
  await addStream(pool, { id: 'a' })
  const [status = ''] = await addDeadLetters(pool, 'a')
  await pool.query('update risc.deliveries set urgent = true')
  expect(await startRedrive(pool)).toBeNull()
  const others = await addDeadLetters(pool, 'a', 2)
  const id = await startRedrive(pool, { perSecond: 1000 })
  await letRatesPass(pool, 1000)
  expect(await turn(pool)).toEqual({ released: 2, skipped: 0, running: 0 })
  expect(await progressOf(pool, id)).toMatchObject({ state: 'done', total: 2, released: 2 })
  expect(await queued(pool)).toEqual(others)
  expect((await pool.query('select risc.retry($1)', [[status]])).rowCount).toBe(1)
})

test('a dead letter that somebody holds is waited for, and the redrive ends with it', async ({
  database: { pool },
}) => {
  await addWorker(pool, { slots: FLEET })
  await addStream(pool, { id: 'a' })
  const [first = '', ...others] = await addDeadLetters(pool, 'a', 5)
  const id = await startRedrive(pool, { perSecond: 1000 })
  await letRatesPass(pool, 1000)
  const holder = await pool.connect()
  try {
    await holder.query('begin')
    await holder.query('select from risc.deliveries where jti = $1 for update', [first])
    expect(await turn(pool)).toMatchObject({ released: 4, running: 1 })
    expect(await queued(pool)).toEqual(others)
    await holder.query('rollback')
  } finally {
    holder.release(true)
  }
  expect(await turn(pool)).toMatchObject({ released: 1, running: 0 })
  expect(await progressOf(pool, id)).toMatchObject({ released: 5, remaining: 0, state: 'done' })
})

test('the few that fit are found among many that do not, some thousands in each turn', async ({
  database: { pool },
}) => {
  await addWorker(pool, { slots: FLEET })
  await addStream(pool, { id: 'a' })
  await addDeadLetters(pool, 'a', 6000)
  const wanted = await addDeadLetters(pool, 'a', 2, { reason: 'timeout' })
  await addDeadLetters(pool, 'a', 6000)
  const id = await startRedrive(pool, { reason: 'timeout', perSecond: 1000 })
  for (let n = 0; n < 3; n++) await turn(pool)
  expect(await progressOf(pool, id)).toMatchObject({ state: 'done', total: 2, released: 2 })
  expect(await queued(pool)).toEqual(wanted)
})

test('turns that workers take at the same moment release no dead letter twice', async ({ database: { pool } }) => {
  await addWorker(pool, { slots: FLEET })
  await addStream(pool, { id: 'a', max_in_flight: 1000 })
  await addDeadLetters(pool, 'a', 20)
  const id = await startRedrive(pool, { perSecond: 0.001 })
  for (let n = 1; n <= 10; n++) {
    const turns = await Promise.all(Array.from({ length: 6 }, () => turn(pool)))
    expect(turns.reduce((sum, report) => sum + (report?.['released'] ?? 0), 0)).toBe(1)
    expect(await progressOf(pool, id)).toMatchObject({ released: n, waiting: n })
    await letRatesPass(pool, 1_000_000)
  }
})

test('whatever happens meanwhile, what was released waits, was accepted, is dead again or was discarded', async ({
  database: { pool },
}) => {
  const workerId = await addWorker(pool, { slots: FLEET })
  let run = 0
  const step = fc.constantFrom('turn', 'accept', 'fail', 'cancel', 'resume', 'retry', 'discard', 'die')
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 25 }), async (steps) => {
      const stream = `stream-${run++}`
      await addStream(pool, { id: stream })
      const jtis = await addDeadLetters(pool, stream, 12)
      const id = await startRedrive(pool, { streamId: stream, perSecond: 4 })
      for (const [n, what] of steps.entries()) {
        const one = [jtis[(n * 5) % jtis.length]]
        if (what === 'turn') await letRatesPass(pool, 1000).then(() => turn(pool))
        else if (what === 'accept') await deliverAll(pool, workerId)
        else if (what === 'fail') await deliverAll(pool, workerId, 'dead')
        else if (what === 'cancel') await pool.query(`select risc.cancel_redrive($1, 'operator')`, [id])
        else if (what === 'resume') await pool.query('select risc.resume_redrive($1)', [id])
        else if (what === 'retry') await pool.query('select risc.retry($1)', [one])
        else if (what === 'discard') await pool.query(`select risc.discard($1, 'why')`, [one])
        else await addDeadLetters(pool, stream, 1)
        const now = await progressOf(pool, id)
        const became = ['waiting', 'accepted', 'dead_again', 'discarded'].map((name) => Number(now[name]))
        expect(became.reduce((sum, count) => sum + count)).toBe(now['released'])
        expect(Number(now['released']) + Number(now['remaining'])).toBeLessThanOrEqual(12)
      }
      const { rows } = await pool.query(
        `select jti from risc.deliveries where jti = any ($1) union all select jti from risc.history where jti = any ($1)`,
        [jtis],
      )
      expect(rows.map(({ jti }) => jti).toSorted()).toEqual(jtis.toSorted())
    }),
    { numRuns: 25 },
  )
})

test('one redrive at a time has a stream, also when an older one is resumed', async ({ database: { pool } }) => {
  await addStream(pool, { id: 'a' })
  await addStream(pool, { id: 'b' })
  await addDeadLetters(pool, 'a', 3)
  await addDeadLetters(pool, 'b', 3)
  const first = await startRedrive(pool, { streamId: 'a' })
  const inTheWay = expect.objectContaining({ code: '55006' })
  await expect(startRedrive(pool)).rejects.toEqual(inTheWay)
  await startRedrive(pool, { streamId: 'b' })
  await pool.query(`select risc.cancel_redrive($1, 'operator')`, [first])
  await startRedrive(pool, { streamId: 'a' })
  await expect(pool.query('select risc.resume_redrive($1)', [first])).rejects.toEqual(inTheWay)
})

test('a redrive goes on when the worker that had a hand in it is gone, and its SETs arrive as they were', async ({
  database: { pool },
  receiver,
  start,
}) => {
  const bank = await receiver()
  await addStream(pool, { id: 'bank', endpoint_url: bank.url })
  const dead = await addDeadLetters(pool, 'bank', 60)
  const { rows } = await pool.query('select signed_set from risc.deliveries order by id')
  const redrive = await startRedrive(pool, { perSecond: 30 })
  const first = start()
  await bank.received(5)
  await first.stop()
  expect(await progressOf(pool, redrive)).toMatchObject({ state: 'running' })
  start()
  start()
  await bank.received(60)
  await until(async () => (await progressOf(pool, redrive))['accepted'] === 60 || undefined, 'the last answer')
  expect(bank.requests.map(({ body }) => body).toSorted()).toEqual(rows.map((row) => row.signed_set).toSorted())
  expect(dead).toHaveLength(60)
})
