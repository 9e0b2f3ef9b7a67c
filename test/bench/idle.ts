import { setTimeout as sleep } from 'node:timers/promises'
import type { Findings } from './findings.ts'
import { definePart, type Part } from './part.ts'
import { usageOf } from './process-usage.ts'
import { promises } from './promises.ts'
import { type Spread, spread, turns } from './rounds.ts'
import { onSite, type Site } from './site.ts'
import { startWorkerProcess, workersStarted } from './worker-process.ts'

const SETTLE_MS = 5000

interface Options extends Record<string, number> {
  readonly rounds: number
  readonly seconds: number
  readonly streams: number
}

/** Percent of a core. */
interface Load {
  readonly worker: number
  readonly database: number
}

/** What streams with nothing to do cost: one worker, and the database's processes that it keeps busy. */
export const part: Part = definePart<Options>({
  name: 'idle',
  about: 'CPU of one worker and of its database while nothing is due',
  minutes: 3,
  options: { rounds: 3, seconds: 15, streams: 5000 },
  quick: { rounds: 1, seconds: 2, streams: 50 },
  run: (options) => onSite((site) => compareIdle(site, options)),
})

async function compareIdle(site: Site, { rounds, seconds, streams }: Options): Promise<Findings> {
  const lanes = [20, streams].map((count) => ({ count, loads: [] as Load[] }))
  for (let round = 0; round < rounds; round++) {
    for (const [, { count, loads }] of turns(lanes, round)) loads.push(await measureIdle(site, count, seconds))
  }
  const lines = lanes.map(({ count, loads }) => ({
    name: `${count} idle streams`,
    worker: spread(loads.map(({ worker }) => worker)),
    database: spread(loads.map(({ database }) => database)),
    total: spread(loads.map(({ worker, database }) => worker + database)),
  }))
  return {
    postgres: site.postgres,
    tables: [
      {
        caption: `${rounds} interleaved rounds of ${seconds} s, one worker; percent of a core`,
        columns: [
          { name: '' },
          { name: 'worker', digits: 1 },
          { name: 'its database sessions', digits: 1 },
          { name: 'together', digits: 1 },
        ],
        rows: lines.map(({ name, worker, database, total }): [string, Spread, Spread, Spread] => [
          name,
          worker,
          database,
          total,
        ]),
      },
    ],
    verdicts: [promises.idle.judge(lines.at(-1)?.total.median ?? Number.NaN)],
    plot: {
      kind: 'bars',
      unit: 'percent of a core, one worker and its database sessions',
      bars: lines.map(({ name, total }) => ({ name, value: total })),
    },
  }
}

async function measureIdle({ pool, databaseUrl }: Site, streams: number, seconds: number): Promise<Load> {
  await pool.query('truncate risc.streams cascade')
  await pool.query(
    `insert into risc.streams (id, endpoint_url, audience)
     select 'idle-' || n, 'https://idle.example/', '{idle}' from generate_series(1, $1::integer) n`,
    [streams],
  )
  await pool.query('vacuum analyze')
  const worker = startWorkerProcess(databaseUrl)
  try {
    await workersStarted(pool, 1)
    await sleep(SETTLE_MS)
    const { rows } = await pool.query<{ pid: number }>(
      `select pid from pg_stat_activity
       where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()`,
    )
    const backends = rows.map(({ pid }) => pid)
    const before = [await cpuMs([worker.pid]), await cpuMs(backends)]
    await sleep(seconds * 1000)
    const after = [await cpuMs([worker.pid]), await cpuMs(backends)]
    const percent = (n: number): number => ((after[n] ?? Number.NaN) - (before[n] ?? Number.NaN)) / (seconds * 10)
    return { worker: percent(0), database: percent(1) }
  } finally {
    await worker.stop()
  }
}

/** Of a session that has ended meanwhile nothing is known: it counts as if it had used nothing. NaN without a `/proc`. */
async function cpuMs(pids: readonly number[]): Promise<number> {
  if ((await usageOf(process.pid)) === undefined) return Number.NaN
  let total = 0
  for (const pid of pids) total += (await usageOf(pid))?.cpuMs ?? 0
  return total
}
