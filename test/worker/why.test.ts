import fc from 'fast-check'
import type { Pool } from 'pg'
import { expect } from 'vitest'
import { test } from '../support/test.ts'
import { addManyStreams, addStream, addWorker, dispatch } from './rows.ts'

/** A stream as a pass may find it; times in seconds from now. */
const stream = fc.record({
  status: fc.constantFrom('enabled', 'enabled', 'enabled', 'paused', 'disabled'),
  ordering: fc.constantFrom('subject', 'none'),
  window: fc.integer({ min: 1, max: 3 }),
  ramp: fc.integer({ min: 1, max: 3 }),
  rateLimit: fc.integer({ min: 1, max: 40 }),
  paidIn: fc.integer({ min: -100, max: 100 }),
  openFor: fc.constantFrom(null, null, null, -60, 60),
  closedFor: fc.constantFrom(null, null, 60, 600),
  deliveries: fc.array(
    fc.record({
      user: fc.constantFrom(null, null, null, 1, 2, 3),
      dueIn: fc.constantFrom(-50, -40, -30, -20, 90),
      failedFor: fc.constantFrom(null, null, 100, 1000),
      out: fc.nat(5).map((lot) => lot === 0),
      urgent: fc.nat(15).map((lot) => ['stream_updated', 'verification'][lot] ?? null),
    }),
    { maxLength: 10 },
  ),
})

type StreamCase = typeof stream extends fc.Arbitrary<infer Case> ? Case : never

async function arrange(pool: Pool, id: string, { deliveries, ...facts }: StreamCase): Promise<void> {
  await addStream(pool, {
    id,
    status: facts.status,
    ordering: facts.ordering as 'subject' | 'none',
    max_in_flight: facts.window,
    rate_limit: facts.rateLimit,
  })
  await pool.query(
    `update risc.flow set ramp = $2, open_until = now() + $3 * interval '1 second',
       open_because = case when $3::integer is not null then 'timeout' end, closed_at = now() - $4 * interval '1 second'
     where stream_id = $1`,
    [id, facts.ramp, facts.openFor, facts.closedFor],
  )
  await pool.query(`update risc.pace set paid_at = now() + $2 * interval '1 second' where stream_id = $1`, [
    id,
    facts.paidIn,
  ])
  await pool.query(
    `insert into risc.deliveries
       (stream_id, jti, txn, event_type, kid, order_key, signed_set, urgent, due_at, first_failed_at)
     select $1, $1 || '-' || d.place, 'txn-1', case d.urgent when 'stream_updated' then risc.stream_updated() else 'e' end,
       'key-1', d."user", 'head', d.urgent is not null,
       now() + d."dueIn" * interval '1 second', now() - d."failedFor" * interval '1 second'
     from rows from (jsonb_to_recordset($2) as ("user" bigint, "dueIn" integer, "failedFor" integer, urgent text))
       with ordinality d ("user", "dueIn", "failedFor", urgent, place) order by d.place`,
    [id, JSON.stringify(deliveries)],
  )
  await pool.query(
    `insert into risc.inflight (delivery_id, stream_id, job_id)
     select d.id, d.stream_id, 0 from risc.deliveries d where d.jti = any ($1)`,
    [deliveries.flatMap(({ out }, place) => (out ? [`${id}-${place + 1}`] : []))],
  )
}

/** What is said of each delivery, and whether a pass of the same moment then hands it over. */
async function askAndPass(pool: Pool): Promise<{ jti: string; reason: string; handed_over: boolean }[]> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const { rows: said } = await client.query(
      'select d.jti, w.reason from risc.deliveries d cross join lateral (select * from risc.why(d.jti) limit 1) w',
    )
    await dispatch(client)
    const { rows } = await client.query(
      'select d.jti from risc.inflight i join risc.deliveries d on d.id = i.delivery_id where i.job_id > 0',
    )
    const handedOver = new Set(rows.map(({ jti }) => jti))
    return said.map((row) => ({ ...row, handed_over: handedOver.has(row.jti) }))
  } finally {
    await client.query('rollback')
    client.release()
  }
}

test('what is said of a delivery is what the next pass does with it', { timeout: 120_000 }, async ({
  database: { pool },
}) => {
  await addWorker(pool, { slots: 1_000_000 })
  const said = new Set<string>()
  await fc.assert(
    fc.asyncProperty(fc.array(stream, { minLength: 1, maxLength: 3 }), async (streams) => {
      await pool.query('truncate risc.streams, risc.inflight cascade')
      await pool.query('update risc.workers set beat_at = now()')
      for (const [place, facts] of streams.entries()) await arrange(pool, `s-${place}`, facts)
      await pool.query('insert into risc.urgent select id, stream_id from risc.deliveries where urgent')
      for (const { jti, reason, handed_over } of await askAndPass(pool)) {
        said.add(reason)
        if (reason !== 'behind') expect(handed_over, `${jti}: ${reason}`).toBe(reason === 'next')
      }
    }),
    { numRuns: 150 },
  )
  expect([...said].sort()).toEqual([
    'behind',
    'breaker_open',
    'earlier_event',
    'earlier_notice',
    'handed_over',
    'next',
    'next_attempt',
    'rate_limit',
    'stream_disabled',
    'stream_paused',
    'window_full',
  ])
})

test('a delivery of one of more streams than a pass looks at is said to be next, not to want a slot', async ({
  database: { pool },
}) => {
  await addWorker(pool, { slots: 250 })
  await addManyStreams(pool, 800)
  const { rows } = await pool.query(
    "select distinct w.reason from risc.deliveries d cross join lateral risc.why(d.jti) w where d.stream_id > 'many-779'",
  )
  expect(rows).toEqual([{ reason: 'next' }])
})
