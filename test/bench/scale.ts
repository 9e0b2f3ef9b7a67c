import { availableParallelism } from 'node:os'
import { addStreams, CONCURRENCY, type Drain, makePushes, measureSending } from './drain.ts'
import type { Findings } from './findings.ts'
import { definePart, type Part } from './part.ts'
import type { Contender, Push } from './peers/contender.ts'
import { openRiscOutbox } from './peers/risc-outbox.ts'
import { promises } from './promises.ts'
import { compare, spread, turns } from './rounds.ts'
import { onSite, type Site } from './site.ts'
import { workersStarted } from './worker-process.ts'

const PROCESSES = [1, 2, 4]
const STREAMS = [1, 20, 500, 5000]
/** Two workers, PostgreSQL and the receiver. */
const CORES_NEEDED = 4

interface Options extends Record<string, number> {
  readonly rounds: number
  readonly deliveries: number
}

/** How the rate changes with the number of worker processes and of streams. */
export const part: Part = definePart<Options>({
  name: 'scale',
  about: `${PROCESSES.join(', ')} worker processes over ${STREAMS.join(', ')} streams`,
  minutes: 5,
  options: { rounds: 2, deliveries: 12_000 },
  quick: { rounds: 1, deliveries: 300 },
  run: (options) => onSite((site) => compareScale(site, options)),
})

async function compareScale(site: Site, { rounds, deliveries }: Options): Promise<Findings> {
  const risc = await openRiscOutbox(site)
  const lanes = STREAMS.flatMap((streams) =>
    PROCESSES.map((processes) => ({ streams, processes, drains: [] as Drain[] })),
  )
  for (let round = 0; round < rounds; round++) {
    for (const [, { streams, processes, drains }] of turns(lanes, round)) {
      await site.pool.query('truncate risc.streams cascade')
      await addStreams(site, streams)
      drains.push(await drainBy(site, risc, makePushes(deliveries, streams, site.receiver.url), processes))
    }
  }
  const lines = lanes.map(({ drains, ...lane }) => ({ ...lane, perSecond: drains.map((one) => one.perSecond), drains }))
  const rates = (streams: number, processes: number): number[] =>
    lines.find((line) => line.streams === streams && line.processes === processes)?.perSecond ?? []
  const enoughCores = availableParallelism() >= CORES_NEEDED
  return {
    postgres: site.postgres,
    tables: [
      {
        caption: `${rounds} interleaved rounds of ${deliveries} deliveries`,
        columns: [
          { name: 'streams' },
          { name: 'processes' },
          { name: 'deliveries per second' },
          { name: 'to one process', digits: 2 },
          { name: 'CPU µs per delivery' },
          { name: 'peak MB of one' },
        ],
        rows: lines.map(({ streams, processes, perSecond, drains }) => [
          streams,
          processes,
          spread(perSecond),
          compare(perSecond, rates(streams, 1)),
          spread(drains.map((one) => one.cpuMicros)),
          spread(drains.map((one) => one.peakMb)),
        ]),
      },
    ],
    verdicts: enoughCores ? [promises.twoToOne.judge(compare(rates(20, 2), rates(20, 1)).median)] : [],
    notes: enoughCores ? [] : [`two processes to one: not judged, that takes ${CORES_NEEDED} cores`],
    plot: {
      kind: 'bars',
      unit: 'deliveries per second',
      bars: lines.map(({ streams, processes, perSecond }) => ({
        name: `${streams} streams, ${processes} processes`,
        value: spread(perSecond),
      })),
    },
  }
}

/** Nothing waits before all workers are there: they do not start at the same moment. */
async function drainBy(
  { pool, receiver }: Site,
  risc: Contender,
  pushes: readonly Push[],
  processes: number,
): Promise<Drain> {
  await risc.empty()
  return measureSending(
    receiver,
    pushes.length,
    () => Array.from({ length: processes }, () => risc.start(CONCURRENCY)),
    async () => {
      await workersStarted(pool, processes)
      await risc.fill(pushes)
    },
  )
}
