import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from 'pg'
import { progressOf, startRedrive } from '../worker/dead-letters.ts'
import { addStream } from '../worker/rows.ts'
import { addBacklog } from './backlog.ts'
import { clock } from './clock.ts'
import { EVENTS_PER_SECOND, healthyIds, inTime, paceOf, type Site, WORKERS, warmedUp } from './isolation-work.ts'
import { enqueueSteadily, jtiOf } from './steady-events.ts'
import { startWorkerProcess, workersStarted } from './worker-process.ts'

/** How long and how hard to try. */
export interface RedriveOptions extends Record<string, number> {
  readonly rounds: number
  /** Dead letters, of all streams together. */
  readonly dead: number
  /** For how long live events come, in each turn. */
  readonly seconds: number
}

/** One live event; times in milliseconds since 1970. */
export interface Delivered {
  readonly committedAt: number
  readonly arrivedAt: number
}

/** When a redrive was under way: until it was cancelled half-way, and from when it was resumed until all was released. */
export interface Course {
  readonly begunAt: number
  readonly cancelledAt: number
  readonly resumedAt: number
  readonly doneAt: number
}

/** What one turn showed. */
export interface RedriveTurn {
  readonly delivered: readonly Delivered[]
  readonly course: Course | undefined
}

/** As `RISC_CONCURRENCY` is by default. */
export const SLOTS = 400
/** Many, so that events about one user do not come close upon each other. */
const USERS_PER_STREAM = 50
const WARM_UP = 100
const CANCELLED_FOR_MS = 3000
const LOOK_EVERY_MS = 100

/** One turn: live events at a steady pace on streams that have dead letters, which are redriven meanwhile or not. */
export async function takeTurn(
  { databaseUrl, pool, outbox, healthy }: Omit<Site, 'others'>,
  { dead, seconds }: RedriveOptions,
  redriving: boolean,
): Promise<RedriveTurn> {
  await setUp(pool, healthy.url, dead)
  const workers = Array.from({ length: WORKERS }, () =>
    startWorkerProcess(databaseUrl, { RISC_CONCURRENCY: String(SLOTS), RISC_SHUTDOWN_SECONDS: '0' }),
  )
  try {
    await workersStarted(pool, WORKERS)
    await addBacklog(pool, healthyIds, { perStream: WARM_UP })
    await warmedUp(pool, healthyIds)
    const events = paceOf(healthyIds, EVENTS_PER_SECOND, seconds)
    const arrived = healthy.receive(events.count + (redriving ? dead : 0), { keepBodies: true })
    const [committedAt, course] = await Promise.all([
      enqueueSteadily(pool, outbox, events),
      redriving ? redrive(pool) : undefined,
    ])
    const { bodies } = await inTime(arrived)
    const delivered = bodies
      .filter(({ body }) => committedAt.has(jti(body)))
      .map(({ body, at }) => ({ committedAt: committedAt.get(jti(body)) ?? Number.NaN, arrivedAt: at }))
    return { delivered, course }
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()))
  }
}

/** Dead letters have a stand-in for their SET, which names none. */
function jti(body: string): string {
  return body.startsWith('eyJ') ? jtiOf(body) : ''
}

async function setUp(pool: Pool, url: string, dead: number): Promise<void> {
  await pool.query(
    'truncate risc.streams, risc.inflight, risc.history, risc.redrives, risc_worker._private_jobs cascade',
  )
  for (const id of healthyIds) await addStream(pool, { id, endpoint_url: `${url}/${id}` })
  await pool.query(
    `insert into risc.subjects (user_id, stream_id, subject)
     select id || '-' || n, id, jsonb_build_object('format', 'opaque', 'id', id || '-' || n)
     from unnest($1::text[]) id, generate_series(0, $2::integer - 1) n`,
    [healthyIds, USERS_PER_STREAM],
  )
  await addBacklog(pool, healthyIds, { perStream: Math.ceil(dead / healthyIds.length) })
  await pool.query(
    `with chosen as (select id from risc.deliveries order by id limit $1),
       spared as (delete from risc.deliveries where id not in (select id from chosen))
     update risc.deliveries set state = 'dead', dead_because = 'exhausted', dead_at = now()
     where id in (select id from chosen)`,
    [dead],
  )
  await pool.query('vacuum analyze')
  await pool.query('checkpoint')
}

/** Cancels it half-way and resumes it. */
async function redrive(pool: Pool): Promise<Course> {
  const begunAt = clock()
  const id = await startRedrive(pool)
  await until(async () => {
    const { released, total } = await progressOf(pool, id)
    return Number(released) >= Number(total) / 2
  })
  await pool.query(`select risc.cancel_redrive($1, 'bench')`, [id])
  const cancelledAt = clock()
  await sleep(CANCELLED_FOR_MS)
  await pool.query('select risc.resume_redrive($1)', [id])
  const resumedAt = clock()
  await until(async () => (await progressOf(pool, id))['state'] === 'done')
  return { begunAt, cancelledAt, resumedAt, doneAt: clock() }
}

async function until(reached: () => Promise<boolean>): Promise<void> {
  while (!(await reached())) await sleep(LOOK_EVERY_MS)
}
