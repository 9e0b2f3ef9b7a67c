import { startPostgres } from 'example-local-postgres'
import type { Pool } from 'pg'
import { migrate } from 'risc-worker'
import { addDeliveries, addStream, addWorker, claim } from '../worker/rows.ts'
import { openPool } from './open-pool.ts'
import { spread } from './rounds.ts'

const IDLE_STREAMS = 5000
const BUSY_STREAMS = 20
const ONE_USERS_BACKLOG = 1_000_000
const SETTLED_UNDER_SNAPSHOT = 300_000
const SLOTS = 400
const PASSES = 20
const BATCH = 40

/**
 * How long a pass of the dispatcher takes, as the database tells it: with streams that have nothing to do, with a million
 * deliveries about one user before one about another, and with a snapshot held while many deliveries are settled. Runs on
 * the server of `TEST_DATABASE_URL` if there is one, which has to be empty.
 */
export async function run(): Promise<void> {
  const given = process.env['TEST_DATABASE_URL']
  const postgres = given ? { url: given, stop: async () => undefined } : await startPostgres({ durable: true })
  const pool = openPool(postgres.url)
  try {
    await migrate(postgres.url)
    const { rows } = await pool.query('show server_version')
    console.log(`PostgreSQL ${rows[0].server_version}; a pass in ms, median (least … most) of ${PASSES}`)
    const workerId = await addWorker(pool, { slots: SLOTS })
    await addIdleStreams(pool)
    report(`${IDLE_STREAMS} streams, nothing due`, await passes(pool))
    await backlogOfOneUser(pool)
    await heldSnapshot(pool, workerId)
  } finally {
    await pool.end()
    await postgres.stop()
  }
}

async function addIdleStreams(pool: Pool): Promise<void> {
  await pool.query(
    `insert into risc.streams (id, endpoint_url, audience)
     select 'idle-' || n, 'https://idle.example/', '{idle}' from generate_series(1, $1::integer) n`,
    [IDLE_STREAMS],
  )
}

async function backlogOfOneUser(pool: Pool): Promise<void> {
  await addStream(pool, { id: 'storm' })
  await addDeliveries(pool, 'storm', ONE_USERS_BACKLOG, 1)
  await pass(pool)
  report('a million deliveries about one user', await passes(pool))
  await addDeliveries(pool, 'storm', 1, 2)
  const next = await pass(pool)
  report(`the pass that hands over ${next.handed} about another user behind them`, [next.tookMs])
  await pool.query('truncate risc.deliveries, risc.inflight')
}

/** Enqueues, hands over and settles, as fast as one connection can, while another holds a snapshot. */
async function heldSnapshot(pool: Pool, workerId: string): Promise<void> {
  for (let n = 1; n <= BUSY_STREAMS; n++) await addStream(pool, { id: `busy-${n}` })
  const holder = await pool.connect()
  try {
    await holder.query('begin isolation level repeatable read')
    await holder.query('select from risc.streams limit 1')
    const took: number[] = []
    for (let settled = 0; settled < SETTLED_UNDER_SNAPSHOT; ) {
      for (let n = 1; n <= BUSY_STREAMS; n++) await addDeliveries(pool, `busy-${n}`, 15)
      const { tookMs } = await pass(pool)
      took.push(tookMs)
      settled += await acceptAll(pool, workerId)
      if (took.length % 30 === 0) await pool.query('select risc.survey()')
    }
    const last = took.slice(-200)
    report(`snapshot held, ${SETTLED_UNDER_SNAPSHOT} settled: the last 200 passes, 300 handed over in each`, last)
    report('the same, nothing due', await passes(pool))
    const startedAt = performance.now()
    await pool.query('select count(*) from risc.survey_due_streams()')
    report('for comparison: one search from the beginning', [performance.now() - startedAt])
  } finally {
    holder.release(true)
  }
}

async function acceptAll(pool: Pool, workerId: string): Promise<number> {
  const { rows } = await pool.query<{ ticket: string; delivery_id: string }>(
    'select ticket, delivery_id from risc.inflight where ticket >= (select last_value from risc.low_ticket) order by ticket',
  )
  await claim(
    pool,
    workerId,
    rows.map(({ ticket }) => Number(ticket)),
  )
  for (let n = 0; n < rows.length; n += BATCH) {
    const outcomes = rows.slice(n, n + BATCH).map((row) => ({ ...row, next: 'accepted', counts: true, status: 202 }))
    await pool.query('select risc.settle($1)', [JSON.stringify(outcomes)])
  }
  return rows.length
}

async function pass(pool: Pool): Promise<{ readonly handed: number; readonly tookMs: number }> {
  await pool.query('update risc.workers set beat_at = now()')
  const { rows } = await pool.query('select handed, took_ms from risc.dispatch()')
  return { handed: rows[0].handed, tookMs: rows[0].took_ms }
}

async function passes(pool: Pool): Promise<number[]> {
  const took: number[] = []
  for (let n = 0; n < PASSES; n++) took.push((await pass(pool)).tookMs)
  return took
}

function report(what: string, took: readonly number[]): void {
  const { median, min, max } = spread(took)
  console.log(`${what.padEnd(86)} ${median.toFixed(1)} (${min.toFixed(1)} … ${max.toFixed(1)})`)
}
