import { decodeJwt } from 'jose'
import type { Pool } from 'pg'
import { createOutbox, type OutboxTransaction, type QueryableTransaction, type StreamStatus } from 'risc-outbox'
import { expect } from 'vitest'
import { rotate } from '../outbox/rotation.ts'
import { until } from '../support/until.ts'
import { addDeliveries, addStream, addWorker, dispatch, tickets } from './rows.ts'
import { test } from './started-worker.ts'

const HOUR_MS = 3_600_000
const URIS = {
  updated: 'https://schemas.openid.net/secevent/ssf/event-type/stream-updated',
  verification: 'https://schemas.openid.net/secevent/ssf/event-type/verification',
}

const { before: keys } = await rotate()
const outbox = createOutbox({
  issuer: 'https://idp.example/',
  keys,
  recipients: async (_: QueryableTransaction, { user }) => [
    { streamId: 'bank', subject: { format: 'opaque', id: user } },
  ],
})

async function commit<T>(pool: Pool, work: (trx: OutboxTransaction & QueryableTransaction) => Promise<T>): Promise<T> {
  const trx = await pool.connect()
  try {
    await trx.query('begin')
    const result = await work(trx)
    await trx.query('commit')
    return result
  } finally {
    trx.release()
  }
}

const setStatus = (pool: Pool, status: StreamStatus) =>
  commit(pool, (trx) => outbox.setStreamStatus(trx, { streamId: 'bank', status }))

/** What a SET says in a word: the status, or the user and the number of the event. */
function word(body: string): string {
  const { events, sub_id } = decodeJwt<{
    events: Record<string, { status?: string; number?: number }>
    sub_id: { id: string }
  }>(body)
  const event = Object.values(events)[0]
  return event?.status ?? `${sub_id.id} ${event?.number}`
}

/** Thirty events, each user's numbered. */
async function tell(pool: Pool): Promise<void> {
  for (let number = 0; number < 10; number += 1) {
    const events = ['u-1', 'u-2', 'u-3'].map(
      (user) => ({ type: 'https://idp.example/happened', user, claims: { number } }) as const,
    )
    await commit(pool, (trx) => outbox.enqueue(trx, events))
  }
}

const settled = (pool: Pool, count: number) =>
  until(
    async () => (await pool.query('select from risc.history')).rowCount === count || undefined,
    `${count} deliveries on record`,
  )

test('a paused stream gets the SET that says so and nothing else; enabled again, all that waited, in order', async ({
  database: { pool },
  receiver,
  start,
}) => {
  const bank = await receiver()
  const other = await receiver()
  await addStream(pool, { id: 'bank', endpoint_url: bank.url })
  await addStream(pool, { id: 'other', endpoint_url: other.url })
  start()
  await setStatus(pool, 'paused')
  await tell(pool)
  await bank.received(1)
  await settled(pool, 1)
  await addDeliveries(pool, 'other', 200) // while these go out, nothing of the paused stream does
  await settled(pool, 201)
  expect(bank.requests.map(({ body }) => word(body))).toEqual(['paused'])

  await setStatus(pool, 'enabled')
  const words = (await bank.received(32)).map(({ body }) => word(body))
  await settled(pool, 232)

  expect(bank.requests).toHaveLength(32)
  expect(words.filter((one) => !one.startsWith('u-'))).toEqual(['paused', 'enabled'])
  for (const user of ['u-1', 'u-2', 'u-3']) {
    const numbers = Array.from({ length: 10 }, (_, n) => `${user} ${n}`)
    expect(words.filter((one) => one.startsWith(user))).toEqual(numbers)
  }
})

test('a disabled stream is told so; what waited is discarded with that reason, and nothing new is taken', async ({
  database: { pool },
  receiver,
  start,
}) => {
  const bank = await receiver()
  await addStream(pool, { id: 'bank', endpoint_url: bank.url, status: 'paused' })
  await tell(pool)
  const { jti } = await setStatus(pool, 'disabled')
  await pool.query('select risc.discard_disabled(10)') // maintenance may come first
  start()
  await settled(pool, 31)

  expect(bank.requests.map(({ body }) => word(body))).toEqual(['disabled'])
  const { rows } = await pool.query(
    'select outcome, reason, count(*)::integer, min(jti) as jti from risc.history group by outcome, reason order by outcome',
  )
  expect(rows).toMatchObject([
    { outcome: 'accepted', reason: null, count: 1, jti },
    { outcome: 'discarded', reason: 'stream_disabled', count: 30 },
  ])
  const event = { type: 'account-disabled', user: 'u-1' } as const
  expect(await commit(pool, (trx) => outbox.enqueue(trx, event))).toMatchObject({ deliveries: [] })
  expect((await pool.query('select from risc.deliveries')).rowCount).toBe(0)
})

test('a disabled stream that is taken up again at once starts with nothing of what it had', async ({
  database: { pool },
}) => {
  await addStream(pool, { id: 'bank' })
  await addStream(pool, { id: 'other' })
  await addWorker(pool)
  await addDeliveries(pool, 'bank', 25)
  const [kept] = await addDeliveries(pool, 'other', 1)
  await pool.query(`update risc.streams set status = 'disabled' where id = 'bank'`)
  await pool.query(`update risc.streams set status = 'enabled' where id = 'bank'`)
  expect((await pool.query('select jti from risc.deliveries')).rows).toEqual([{ jti: kept }])
  const { rows } = await pool.query(
    'select outcome, reason, count(*)::integer from risc.history group by outcome, reason',
  )
  expect(rows).toEqual([{ outcome: 'discarded', reason: 'stream_disabled', count: 25 }])
})

test('verification passes a backlog of thousands on a stream with a window of one and a slow receiver', async ({
  database: { pool },
  receiver,
  start,
}) => {
  const bank = await receiver(({ body }) => ({ status: 202, delayMs: body.startsWith('head.') ? 1000 : 0 }))
  await addStream(pool, { id: 'bank', endpoint_url: bank.url, max_in_flight: 1 })
  await addDeliveries(pool, 'bank', 5000)
  start()
  await bank.received(1)
  await commit(pool, (trx) => outbox.verifyStream(trx, { streamId: 'bank' }))
  const bodies = (await bank.received(3)).map(({ body }) => body) // one more of the backlog at most went before
  const sets = bodies.filter((body) => !body.startsWith('head.'))
  expect(sets.map((body) => Object.keys(decodeJwt<{ events: object }>(body).events))).toEqual([[URIS.verification]])
})

test('neither rate, breaker nor window hold back what is said of the stream itself', async ({ database: { pool } }) => {
  await addWorker(pool)
  await addStream(pool, { id: 'bank', max_in_flight: 1, rate_limit: 1, rate_interval: '1 day' })
  await addDeliveries(pool, 'bank', 3)
  expect(await dispatch(pool)).toBe(1)
  expect(await dispatch(pool)).toBe(0)
  await pool.query(`update risc.flow set open_until = now() + interval '1 hour', open_because = 'timeout'`)
  await commit(pool, (trx) => outbox.verifyStream(trx, { streamId: 'bank' }))
  expect(await dispatch(pool)).toBe(1)
  const { rows } = await pool.query(
    'select d.event_type from risc.inflight i join risc.deliveries d on d.id = i.delivery_id order by ticket',
  )
  expect(rows.at(-1)).toEqual({ event_type: URIS.verification })
})

test('a receiver learns of one change after the other, the last one last', async ({
  database: { pool },
  receiver,
  start,
}) => {
  const bank = await receiver((_, n) => (n === 1 ? { status: 503 } : { status: 202 }))
  await addStream(pool, { id: 'bank', endpoint_url: bank.url, retry_delays_ms: [300] })
  await addWorker(pool)
  await setStatus(pool, 'paused')
  await setStatus(pool, 'disabled')
  await setStatus(pool, 'enabled')
  expect(await dispatch(pool)).toBe(1)
  expect(await dispatch(pool)).toBe(0)
  await pool.query('delete from risc.inflight')
  start()
  const words = (await bank.received(4)).map(({ body }) => word(body))
  expect(words).toEqual(['paused', 'paused', 'disabled', 'enabled'])
})

test.for([410, 401, 503])(
  'a receiver that answers %i is not told over and over, though nothing holds the SET back',
  async (status, { database: { pool }, receiver, start }) => {
    const bank = await receiver(() => ({ status }))
    await addStream(pool, { id: 'bank', endpoint_url: bank.url, retry_delays_ms: [0, HOUR_MS] })
    await pool.query(`update risc.flow set open_until = now() + interval '1 hour', open_because = 'timeout'`)
    await setStatus(pool, 'disabled')
    start()
    await bank.received(2)
    const row = await until(
      async () => (await pool.query('select * from risc.pending where attempts = 2')).rows[0],
      'the second attempt on record',
    )
    expect(row).toMatchObject({ state: 'queued', event_type: URIS.updated, last_status: status })
    expect(row.due_at.getTime() - row.last_attempt_at.getTime()).toBeGreaterThan(0.7 * HOUR_MS)
    expect(await tickets(pool)).toEqual([])
  },
)
