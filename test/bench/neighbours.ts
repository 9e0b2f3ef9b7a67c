import { setTimeout as sleep } from 'node:timers/promises'
import { clock, sleepUntil } from './clock.ts'
import { type CountingReceiver, openCountingReceiver } from './counting-receiver.ts'
import { addStreams, CONCURRENCY, makePushes } from './drain.ts'
import type { Findings } from './findings.ts'
import { definePart, type Part } from './part.ts'
import type { Contender, Push } from './peers/contender.ts'
import { NO_REDIS, withContenders } from './peers/open-contenders.ts'
import { quantile } from './quantile.ts'
import { compare, spread, turns } from './rounds.ts'
import { onSite, type Site } from './site.ts'

const STREAMS = 20
const EVENTS_PER_SECOND = 50
/** For senders to start, and the streams to be known as quick. */
const LEAD_MS = 4000
/** For what comes late. */
const GRACE_MS = 10_000

interface Options extends Record<string, number> {
  readonly rounds: number
  readonly seconds: number
  readonly backlog: number
}

interface Lane {
  readonly contender: Contender
  readonly alone: Turn[]
  readonly beside: Turn[]
}

interface Turn {
  readonly p50: number
  readonly p99: number
  readonly late: number
}

/** What one of 20 partners that hangs costs the other 19: with the outbox, and with what somebody would build instead. */
export const part: Part = definePart<Options>({
  name: 'neighbours',
  about: 'healthy partners beside one that hangs, with a worker and with the alternatives',
  minutes: 6,
  options: { rounds: 1, seconds: 20, backlog: 1000 },
  quick: { rounds: 1, seconds: 2, backlog: 50 },
  run: (options) =>
    onSite(async (site) => {
      const hanging = await openCountingReceiver()
      try {
        return await compareNeighbours(site, hanging, options)
      } finally {
        hanging.close()
      }
    }),
})

async function compareNeighbours(site: Site, hanging: CountingReceiver, options: Options): Promise<Findings> {
  hanging.behave(true)
  return withContenders(site, async ({ graphileDefaults: _, pgBossWorkers: __, bullMq, ...others }) => {
    const lanes: Lane[] = [...Object.values(others), ...(bullMq ? [bullMq] : [])].map((contender) => ({
      contender,
      alone: [],
      beside: [],
    }))
    for (let round = 0; round < options.rounds; round++) {
      for (const [, { contender, alone, beside }] of turns(lanes, round)) {
        alone.push(await takeTurn(site, contender, options, undefined))
        beside.push(await takeTurn(site, contender, options, hanging))
      }
    }
    return findingsOf(site, lanes, options, bullMq === undefined)
  })
}

async function takeTurn(
  site: Site,
  contender: Contender,
  { seconds, backlog }: Options,
  hanging: CountingReceiver | undefined,
): Promise<Turn> {
  const { pool, receiver } = site
  const count = EVENTS_PER_SECOND * seconds
  const [, ...healthy] = makePushes(STREAMS, STREAMS, receiver.url)
  const pushes = Array.from({ length: count }, (_, n) => ({ ...healthy[n % healthy.length], body: `${n}.` }) as Push)
  await contender.empty()
  await pool.query('truncate risc.streams cascade')
  await addStreams(site, STREAMS)
  if (hanging)
    await pool.query(`update risc.streams set endpoint_url = $1 where id = 'stream-1'`, [`${hanging.url}/hang`])
  const sender = contender.start(contender.concurrency ?? CONCURRENCY)
  try {
    await sleep(LEAD_MS)
    if (hanging) {
      const stuck = { streamId: 'stream-1', url: `${hanging.url}/hang`, body: 'x' }
      await contender.fill(Array.from({ length: backlog }, () => stuck))
    }
    receiver.collect({ keepBodies: true })
    const committedAt = await recordSteadily(pool, contender, pushes)
    const endsAt = clock() + GRACE_MS
    let report = await receiver.tell()
    while (report.count < count && clock() < endsAt) {
      await sleep(100)
      report = await receiver.tell()
    }
    const arrivedAt = new Map(report.bodies.map(({ body, at }) => [body, at]))
    const latencies = [...committedAt].map(([body, at]) => (arrivedAt.get(body) ?? endsAt) - at)
    const late = [...committedAt.keys()].filter((body) => !arrivedAt.has(body)).length
    return { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), late }
  } finally {
    await sender.stop()
  }
}

async function recordSteadily(
  pool: Site['pool'],
  { record, afterCommit }: Contender,
  pushes: readonly Push[],
): Promise<Map<string, number>> {
  const committedAt = new Map<string, number>()
  const startedAt = clock()
  await Promise.all(
    pushes.map(async (push, n) => {
      await sleepUntil(startedAt + (n * 1000) / EVENTS_PER_SECOND)
      const client = await pool.connect()
      try {
        await client.query('begin')
        if (!afterCommit) await record(client, push)
        await client.query('commit')
        committedAt.set(push.body, clock())
        if (afterCommit) await record(client, push)
      } finally {
        client.release()
      }
    }),
  )
  return committedAt
}

function findingsOf(
  site: Site,
  lanes: readonly Lane[],
  { rounds, seconds, backlog }: Options,
  noRedis: boolean,
): Findings {
  const lines = lanes.map(({ contender: { name }, alone, beside }) => ({
    name,
    alone: alone.map(({ p99 }) => p99),
    beside: beside.map(({ p99 }) => p99),
    median: beside.map(({ p50 }) => p50),
    late: beside.map(({ late }) => late),
  }))
  return {
    postgres: site.postgres,
    tables: [
      {
        caption:
          `${STREAMS - 1} healthy streams, together ${EVENTS_PER_SECOND} events/s for ${seconds} s, alone and beside one that hangs ` +
          `with ${backlog} waiting; ${rounds} rounds, one process, ${CONCURRENCY} at once; ms from commit to receiver`,
        columns: [
          { name: 'sent by' },
          { name: 'p99 alone' },
          { name: 'median beside' },
          { name: 'p99 beside' },
          { name: 'p99 to alone', digits: 1 },
          { name: `not there after ${GRACE_MS / 1000} s` },
        ],
        rows: lines.map(({ name, alone, beside, median, late }) => [
          name,
          spread(alone),
          spread(median),
          spread(beside),
          compare(beside, alone),
          spread(late),
        ]),
      },
    ],
    verdicts: [],
    plot: {
      kind: 'bars',
      unit: 'ms, p99 of healthy partners beside one that hangs',
      bars: lines.map(({ name, beside }) => ({ name, value: spread(beside) })),
    },
    notes: noRedis ? [NO_REDIS] : [],
  }
}
