import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from 'pg'
import type { Outbox } from 'risc-outbox'
import { addStream } from '../worker/rows.ts'
import { addBacklog } from './backlog.ts'
import { clock, sleepUntil } from './clock.ts'
import type { CountingReceiver } from './counting-receiver.ts'
import { type HandOver, takeHandOvers } from './hand-overs.ts'
import { type Held, watchHeld } from './held-slots.ts'
import { type Case, TIMEOUT_MS, TURN_MS } from './isolation-cases.ts'
import { enqueueSteadily, jtiOf, type Pace } from './steady-events.ts'
import { startWorkerProcess, workersStarted } from './worker-process.ts'

export const HEALTHY = 'healthy'
export const HEALTHY_STREAMS = 10
export const EVENTS_PER_SECOND = 80
export const WORKERS = 2
export const SLOTS = 200

/** Where the turns are taken. */
export interface Site {
  readonly databaseUrl: string
  readonly pool: Pool
  readonly outbox: Outbox
  /** A process for itself, so that what the others do to theirs does not show. */
  readonly healthy: CountingReceiver
  readonly others: CountingReceiver
}

/** One event of a healthy stream; times in milliseconds since 1970. */
export interface Delivered extends Partial<HandOver> {
  readonly committedAt: number
  readonly arrivedAt: number
}

/** What one turn of a case showed. */
export interface Turn {
  readonly onsetAt: number
  readonly delivered: readonly Delivered[]
  readonly held: readonly Held[]
}

/** Many, so that events about one user do not come close upon each other. */
const USERS_PER_STREAM = 50
/** Enough to prove each stream and to warm up the workers. */
const WARM_UP = { [HEALTHY]: 100, other: 60 }
const LEAD_MS = 2500
const ARRIVE_WITHIN_MS = 60_000

export const healthyIds: readonly string[] = Array.from({ length: HEALTHY_STREAMS }, (_, n) => `${HEALTHY}-${n + 1}`)

/** One turn: everybody is quick, then all others change at the same moment, the onset. */
export async function takeTurn(site: Site, { others, eventsPerSecond }: Case): Promise<Turn> {
  const { databaseUrl, pool, outbox } = site
  await setUp(site, others)
  site.others.behave(false)
  const settings = { RISC_CONCURRENCY: String(SLOTS), RISC_SHUTDOWN_SECONDS: '0' }
  const workers = Array.from({ length: WORKERS }, () => startWorkerProcess(databaseUrl, settings))
  const watching = new AbortController()
  try {
    await workersStarted(pool, WORKERS)
    await warmedUp(pool, [...healthyIds, ...others.filter(({ standing }) => standing === 0).map(({ id }) => id)])
    await takeHandOvers(pool)

    const onsetAt = clock() + LEAD_MS
    for (const { id, backlog } of others) await addBacklog(pool, [id], { perStream: backlog, dueAt: onsetAt })
    const held = watchHeld(pool, watching.signal)
    const seconds = (onsetAt + TURN_MS - clock()) / 1000
    const healthyEvents = paceOf(healthyIds, EVENTS_PER_SECOND, seconds)
    const arrived = site.healthy.receive(healthyEvents.count, { keepBodies: true })
    const [committedAt] = await Promise.all([
      enqueueSteadily(pool, outbox, healthyEvents),
      enqueueSteadily(pool, outbox, paceOf(idsOf(others), eventsPerSecond, seconds)),
      sleepUntil(onsetAt).then(() => site.others.behave(true)),
    ])
    const { bodies } = await inTime(arrived)
    watching.abort()
    const handOvers = await takeHandOvers(pool)
    const delivered = bodies.map(({ body, at }) => {
      const jti = jtiOf(body)
      const handOver = handOvers.get(jti)
      // A busy machine lets this process learn of its commit when the dispatcher has seen it already.
      const committed = Math.min(committedAt.get(jti) ?? Number.NaN, handOver?.dispatchedAt ?? Number.POSITIVE_INFINITY)
      return { committedAt: committed, arrivedAt: at, ...handOver }
    })
    return { onsetAt, delivered, held: await held }
  } finally {
    watching.abort()
    await Promise.all(workers.map((worker) => worker.stop()))
  }
}

async function setUp({ pool, healthy, others: troubled }: Site, others: Case['others']): Promise<void> {
  await pool.query('truncate risc.streams, risc.inflight, risc.history, risc_worker._private_jobs cascade')
  const stream = { timeout_ms: TIMEOUT_MS, unproven: true }
  for (const id of healthyIds) await addStream(pool, { ...stream, id, endpoint_url: `${healthy.url}/${id}` })
  for (const { id, behaviour, rateLimit } of others) {
    const endpoint_url = `${troubled.url}/${behaviour}/${id}`
    await addStream(pool, { ...stream, id, endpoint_url, rate_limit: rateLimit })
  }
  await pool.query(
    `insert into risc.subjects (user_id, stream_id, subject)
     select id || '-' || n, id, jsonb_build_object('format', 'opaque', 'id', id || '-' || n)
     from unnest($1::text[]) id, generate_series(0, $2::integer - 1) n`,
    [[...healthyIds, ...idsOf(others)], USERS_PER_STREAM],
  )
  for (const { id, standing } of others) await addBacklog(pool, [id], { perStream: standing || WARM_UP.other })
  await addBacklog(pool, healthyIds, { perStream: WARM_UP[HEALTHY] })
  await pool.query('vacuum analyze')
  await pool.query('checkpoint')
}

const idsOf = (others: Case['others']): string[] => others.map(({ id }) => id)

/** The streams in turns, each time about another user. */
export function paceOf(ids: readonly string[], perSecond: number, seconds: number): Pace {
  const users = Array.from({ length: USERS_PER_STREAM }, (_, n) => ids.map((id) => `${id}-${n}`)).flat()
  return { users, perSecond, count: Math.floor(perSecond * seconds) }
}

export async function warmedUp(pool: Pool, streamIds: readonly string[]): Promise<void> {
  const owed = `select from risc.deliveries where stream_id = any ($1) and state = 'queued' limit 1`
  while ((await pool.query(owed, [streamIds])).rowCount !== 0) await sleep(50)
}

export async function inTime<Result>(result: Promise<Result>): Promise<Result> {
  const late = sleep(ARRIVE_WITHIN_MS, undefined, { ref: false }).then(() => {
    throw new Error(`healthy streams still wait after ${ARRIVE_WITHIN_MS / 1000} s`)
  })
  return Promise.race([result, late])
}
