import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, type Pool } from 'pg'
import { type CpuProfile, shareByPlace } from './cpu-profile.ts'
import { addStreams, CONCURRENCY, makePushes, measureSending } from './drain.ts'
import { prepareUsers } from './enqueue-work.ts'
import type { Findings, Table } from './findings.ts'
import { newOutbox } from './new-outbox.ts'
import { definePart, type Part } from './part.ts'
import { openRiscOutbox } from './peers/risc-outbox.ts'
import { onSite, type Site } from './site.ts'
import { startWorkerProcess } from './worker-process.ts'

const STREAMS = 20
const CONNECTIONS = 16
const USERS = 10_000
const SHOWN = 15
const SAMPLE_EVERY_MS = 20
const SETTINGS = { shared_preload_libraries: 'pg_stat_statements', 'pg_stat_statements.track': 'all' }

interface Options extends Record<string, number> {
  readonly deliveries: number
  readonly seconds: number
}

/** Where the time of a delivery and of an enqueue goes: in a worker's functions, in statements, and in what sessions wait for. */
export const part: Part = definePart<Options>({
  name: 'profile',
  about: 'where the time of enqueue and of a delivery goes',
  minutes: 2,
  options: { deliveries: 20_000, seconds: 10 },
  quick: { deliveries: 400, seconds: 1 },
  run: (options) => onSite((site) => profile(site, options), SETTINGS),
})

async function profile(site: Site, { deliveries, seconds }: Options): Promise<Findings> {
  const { pool, postgres } = site
  const client = new Client({ connectionString: site.databaseUrl })
  await client.connect()
  await prepareUsers(client)
  await client.end()
  const statements = await hasStatements(pool)
  const ofEnqueue = await watched(pool, statements, () => enqueueFor(pool, seconds))
  await pool.query('truncate risc.streams cascade') // those of the users go nowhere
  await addStreams(site, STREAMS)
  let functions: Table | undefined
  const ofDelivery = await watched(pool, statements, async () => {
    functions = await profileWorker(site, deliveries)
  })
  return {
    postgres,
    tables: [
      ...(functions ? [functions] : []),
      ...ofDelivery.map((table) => ({ ...table, caption: `While delivering, ${table.caption}` })),
      ...ofEnqueue.map((table) => ({
        ...table,
        caption: `While enqueueing over ${CONNECTIONS} connections, ${table.caption}`,
      })),
    ],
    verdicts: [],
    notes: statements ? [] : ['statements: not measured, the server does not load pg_stat_statements'],
  }
}

async function hasStatements(pool: Pool): Promise<boolean> {
  try {
    await pool.query('create extension if not exists pg_stat_statements')
    await pool.query('select from pg_stat_statements limit 1')
    return true
  } catch {
    return false
  }
}

/** The statements that took most time during `work`, and what sessions were seen waiting for. */
async function watched(pool: Pool, statements: boolean, work: () => Promise<void>): Promise<Table[]> {
  if (statements) await pool.query('select pg_stat_statements_reset()')
  const done = new AbortController()
  const waiting = sampleWaits(pool, done.signal)
  await work()
  done.abort()
  const waits = await waiting
  return [...(statements ? [await statementTable(pool)] : []), waits]
}

async function enqueueFor(pool: Pool, seconds: number): Promise<void> {
  const outbox = await newOutbox()
  const deadline = performance.now() + seconds * 1000
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      const client = await pool.connect()
      try {
        while (performance.now() < deadline) {
          const user = `u-${Math.floor(Math.random() * USERS)}`
          await client.query('begin')
          await client.query('update users set disabled = not disabled where id = $1', [user])
          await outbox.enqueue(client, { type: 'account-disabled', user, reason: 'hijacking' })
          await client.query('commit')
        }
      } finally {
        client.release()
      }
    }),
  )
}

async function profileWorker(site: Site, deliveries: number): Promise<Table> {
  const risc = await openRiscOutbox(site)
  await risc.empty()
  await risc.fill(makePushes(deliveries, STREAMS, site.receiver.url))
  const folder = await mkdtemp(join(tmpdir(), 'bench-profile-'))
  try {
    const settings = { RISC_CONCURRENCY: String(CONCURRENCY) }
    await measureSending(site.receiver, deliveries, () => [
      startWorkerProcess(site.databaseUrl, settings, ['--cpu-prof', `--cpu-prof-dir=${folder}`]),
    ])
    const [file] = await readdir(folder)
    const shares = shareByPlace(JSON.parse(await readFile(join(folder, file ?? ''), 'utf8')) as CpuProfile)
    return {
      caption: `A worker’s CPU over ${deliveries} deliveries, its start included, by package or file; percent of what is not idle`,
      columns: [{ name: 'in' }, { name: '%', digits: 1 }],
      rows: shares.slice(0, SHOWN).map(({ place, percent }) => [place, percent]),
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function statementTable(pool: Pool): Promise<Table> {
  const { rows } = await pool.query(
    `select left(regexp_replace(query, '[\\s|]+', ' ', 'g'), 90) as query, calls::integer, total_exec_time as total,
       mean_exec_time as mean, rows::integer
     from pg_stat_statements s join pg_database d on d.oid = s.dbid and d.datname = current_database()
     where query not like '%pg_stat_%' order by total_exec_time desc limit $1`,
    [SHOWN],
  )
  return {
    caption: 'statements by the time they took, those inside of functions too',
    columns: [
      { name: 'statement' },
      { name: 'calls' },
      { name: 'ms' },
      { name: 'ms each', digits: 3 },
      { name: 'rows' },
    ],
    rows: rows.map(({ query, calls, total, mean, rows }) => [query, calls, total, mean, rows]),
  }
}

async function sampleWaits(pool: Pool, signal: AbortSignal): Promise<Table> {
  const seen = new Map<string, number>()
  while (!signal.aborted) {
    const { rows } = await pool.query(
      `select coalesce(wait_event_type || ' / ' || wait_event, 'on a processor') as waits from pg_stat_activity
       where state = 'active' and backend_type = 'client backend' and pid <> pg_backend_pid()`,
    )
    for (const { waits } of rows) seen.set(waits, (seen.get(waits) ?? 0) + 1)
    await sleep(SAMPLE_EVERY_MS, undefined, { signal }).catch(() => undefined)
  }
  const total = [...seen.values()].reduce((sum, count) => sum + count, 0)
  return {
    caption: `what active sessions were doing or waiting for, in ${total} samples`,
    columns: [{ name: 'for' }, { name: '%', digits: 1 }],
    rows: [...seen].toSorted(([, a], [, b]) => b - a).map(([waits, count]) => [waits, (count * 100) / total]),
  }
}
