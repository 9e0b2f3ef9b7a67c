import type { CountingReceiver } from './counting-receiver.ts'
import { addStreams } from './drain.ts'
import type { Findings } from './findings.ts'
import { newOutbox } from './new-outbox.ts'
import { definePart, type Part } from './part.ts'
import { promises } from './promises.ts'
import { quantile } from './quantile.ts'
import { spread } from './rounds.ts'
import { onSite, type Site } from './site.ts'
import { enqueueSteadily, jtiOf } from './steady-events.ts'
import { startWorkerProcess, workersStarted } from './worker-process.ts'

const EVENTS_PER_SECOND = 50
const STREAMS = 20
const USERS = Array.from({ length: STREAMS }, (_, n) => `u-${n + 1}`)
const QUANTILES = [0.5, 0.9, 0.99, 0.999]

interface Options extends Record<string, number> {
  readonly rounds: number
  readonly events: number
}

/** From the commit of each event, signed in its transaction, to its receiver, at a steady pace. */
export const part: Part = definePart<Options>({
  name: 'latency',
  about: `from commit to receiver at ${EVENTS_PER_SECOND} events a second`,
  minutes: 4,
  options: { rounds: 3, events: 3000 },
  quick: { rounds: 1, events: 100 },
  run: (options) => onSite((site) => measureLatency(site, options)),
})

async function measureLatency(site: Site, { rounds, events }: Options): Promise<Findings> {
  const { pool, databaseUrl, receiver, postgres } = site
  await addStreams(site, STREAMS)
  await pool.query(
    `insert into risc.subjects (user_id, stream_id, subject)
     select u, 'stream-' || n, jsonb_build_object('format', 'opaque', 'id', 's-' || n)
     from unnest($1::text[]) with ordinality u (u, n)`,
    [USERS],
  )
  const worker = startWorkerProcess(databaseUrl)
  try {
    await workersStarted(pool, 1)
    await oneRound(site, receiver, EVENTS_PER_SECOND)
    const taken: number[][] = []
    for (let round = 0; round < rounds; round++) taken.push(await oneRound(site, receiver, events))
    const at = (q: number) => spread(taken.map((latencies) => quantile(latencies, q)))
    return {
      postgres,
      tables: [
        {
          caption: `${rounds} rounds of ${events} events at ${EVENTS_PER_SECOND}/s over ${STREAMS} streams, one worker; ms`,
          columns: [{ name: 'part of events' }, { name: 'commit to receiver', digits: 1 }],
          rows: [...QUANTILES.map((q) => [`${q * 100} %`, at(q)]), ['all', at(1)]],
        },
      ],
      verdicts: [promises.latencyP50.judge(at(0.5).median), promises.latencyP99.judge(at(0.99).median)],
      plot: {
        kind: 'bars',
        unit: 'ms from commit to receiver',
        bars: QUANTILES.map((q) => ({ name: `${q * 100} % within`, value: at(q) })),
      },
    }
  } finally {
    await worker.stop()
  }
}

/** The receiver notes the time when it has the whole request, so what it takes to answer is not counted. */
async function oneRound({ pool }: Site, receiver: CountingReceiver, events: number): Promise<number[]> {
  const arrived = receiver.receive(events, { keepBodies: true })
  const outbox = await newOutbox()
  const committedAt = await enqueueSteadily(pool, outbox, { users: USERS, count: events, perSecond: EVENTS_PER_SECOND })
  const { bodies } = await arrived
  return bodies.map(({ body, at }) => at - (committedAt.get(jtiOf(body)) ?? Number.NaN))
}
