import type { Pool } from 'pg'
import { addDeliveries, addStream, addWorker, claim } from '../worker/rows.ts'
import type { Findings } from './findings.ts'
import { definePart, type Part } from './part.ts'
import { type Spread, spread } from './rounds.ts'
import { onSite, type Site } from './site.ts'

const BUSY_STREAMS = 20
const SLOTS = 400
const PASSES = 20
const BATCH = 40

interface Options extends Record<string, number> {
  readonly streams: number
  readonly backlog: number
  readonly settled: number
}

type Report = (what: string, took: readonly number[]) => void

/**
 * How long a pass of the dispatcher takes, as the database tells it: with streams that have nothing to do, with a million
 * deliveries about one user before one about another, and with a snapshot held while many deliveries are settled.
 */
export const part: Part = definePart<Options>({
  name: 'passes',
  about: 'how long a pass of the dispatcher takes',
  minutes: 4,
  options: { streams: 5000, backlog: 1_000_000, settled: 300_000 },
  quick: { streams: 50, backlog: 1000, settled: 3000 },
  run: (options) => onSite((site) => measurePasses(site, options)),
})

async function measurePasses({ pool, postgres }: Site, { streams, backlog, settled }: Options): Promise<Findings> {
  const rows: [string, Spread][] = []
  const report: Report = (what, took) => rows.push([what, spread(took)])
  const workerId = await addWorker(pool, { slots: SLOTS })
  await addIdleStreams(pool, streams)
  report(`${streams} streams, nothing due`, await passes(pool))
  await backlogOfOneUser(pool, backlog, report)
  await heldSnapshot(pool, workerId, settled, report)
  return {
    postgres,
    tables: [{ caption: `A pass in ms, of ${PASSES}`, columns: [{ name: 'with' }, { name: 'ms', digits: 1 }], rows }],
    verdicts: [],
  }
}

async function addIdleStreams(pool: Pool, streams: number): Promise<void> {
  await pool.query(
    `insert into risc.streams (id, endpoint_url, audience)
     select 'idle-' || n, 'https://idle.example/', '{idle}' from generate_series(1, $1::integer) n`,
    [streams],
  )
}

async function backlogOfOneUser(pool: Pool, backlog: number, report: Report): Promise<void> {
  await addStream(pool, { id: 'storm' })
  await addDeliveries(pool, 'storm', backlog, 1)
  await pass(pool)
  report(`${backlog} deliveries about one user`, await passes(pool))
  await addDeliveries(pool, 'storm', 1, 2)
  const next = await pass(pool)
  report(`the pass that hands over ${next.handed} about another user behind them`, [next.tookMs])
  await pool.query('truncate risc.deliveries, risc.inflight')
}

/** Enqueues, hands over and settles, as fast as one connection can, while another holds a snapshot. */
async function heldSnapshot(pool: Pool, workerId: string, wanted: number, report: Report): Promise<void> {
  for (let n = 1; n <= BUSY_STREAMS; n++) await addStream(pool, { id: `busy-${n}` })
  const holder = await pool.connect()
  try {
    await holder.query('begin isolation level repeatable read')
    await holder.query('select from risc.streams limit 1')
    const took: number[] = []
    for (let settled = 0; settled < wanted; ) {
      for (let n = 1; n <= BUSY_STREAMS; n++) await addDeliveries(pool, `busy-${n}`, 15)
      const { tookMs } = await pass(pool)
      took.push(tookMs)
      settled += await acceptAll(pool, workerId)
      if (took.length % 30 === 0) await pool.query('select risc.survey()')
    }
    const last = took.slice(-200)
    report(`snapshot held, ${wanted} settled: the last 200 passes, 300 handed over in each`, last)
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
