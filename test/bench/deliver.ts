import { fileURLToPath } from 'node:url'
import { startChild } from './child.ts'
import { addStreams, CONCURRENCY, type Drain, drain, makePushes, measureSending } from './drain.ts'
import type { Findings } from './findings.ts'
import { definePart, type Part } from './part.ts'
import type { Push } from './peers/contender.ts'
import { NO_REDIS, withContenders } from './peers/open-contenders.ts'
import { promises } from './promises.ts'
import { compare, spread, turns } from './rounds.ts'
import { onSite, type Site } from './site.ts'

const STREAMS = 20
const GOT_LOOP = fileURLToPath(new URL('peers/got-loop-process.ts', import.meta.url))

interface Options extends Record<string, number> {
  readonly rounds: number
  readonly deliveries: number
}

interface Lane {
  readonly name: string
  readonly drain: () => Promise<Drain>
  readonly drains: Drain[]
}

/** How fast one process sends what waits: a worker, a bare got loop, and what somebody would build instead. */
export const part: Part = definePart<Options>({
  name: 'deliver',
  about: 'one process with a filled queue: a worker, a bare got loop, and the alternatives',
  minutes: 8,
  options: { rounds: 5, deliveries: 12_000 },
  quick: { rounds: 1, deliveries: 400 },
  run: (options) => onSite((site) => compareDelivery(site, options)),
})

async function compareDelivery(site: Site, { rounds, deliveries }: Options): Promise<Findings> {
  const { receiver, postgres } = site
  await addStreams(site, STREAMS)
  const pushes = makePushes(deliveries, STREAMS, receiver.url)
  return withContenders(site, async (contenders) => {
    const { risc, bullMq } = contenders
    const lanes = [
      lane('bare got loop', () => measureSending(receiver, deliveries, () => [startGotLoop(pushes)])),
      ...Object.values(contenders)
        .filter((contender) => contender !== undefined)
        .map((contender) => lane(contender.name, () => drain(contender, pushes, receiver))),
    ]
    for (let round = 0; round < rounds; round++) {
      for (const [, { drain, drains }] of turns(lanes, round)) drains.push(await drain())
    }
    const rates = (name: string): number[] =>
      lanes.find((one) => one.name === name)?.drains.map(({ perSecond }) => perSecond) ?? []
    const ours = rates(risc.name)
    const toOurs = (name: string): number => compare(ours, rates(name)).median
    return {
      postgres,
      tables: [tableOf(lanes, ours, { rounds, deliveries })],
      verdicts: [
        promises.deliverToGot.judge(toOurs('bare got loop')),
        promises.deliverToGraphile.judge(toOurs(contenders.graphileDefaults.name)),
        promises.deliverToPgBoss.judge(
          Math.min(toOurs(contenders.pgBossWorkers.name), toOurs(contenders.pgBossBatches.name)),
        ),
      ],
      plot: {
        kind: 'bars',
        unit: 'deliveries per second, one process',
        bars: lanes.map(({ name, drains }) => ({ name, value: spread(drains.map(({ perSecond }) => perSecond)) })),
      },
      notes: bullMq ? [] : [NO_REDIS],
    }
  })
}

const lane = (name: string, drain: Lane['drain']): Lane => ({ name, drain, drains: [] })

function startGotLoop(pushes: readonly Push[]) {
  const urls = [...new Set(pushes.map(({ url }) => url))]
  const body = pushes[0]?.body
  return startChild([GOT_LOOP, JSON.stringify({ urls, requests: pushes.length, concurrency: CONCURRENCY, body })])
}

function tableOf(lanes: readonly Lane[], ours: readonly number[], { rounds, deliveries }: Options) {
  return {
    caption: `${rounds} interleaved rounds of ${deliveries} deliveries over ${STREAMS} streams, ${CONCURRENCY} at once, one process each`,
    columns: [
      { name: 'sent by' },
      { name: 'per second' },
      { name: 'risc-worker to it', digits: 2 },
      { name: 'CPU µs per delivery' },
      { name: 'peak MB' },
    ],
    rows: lanes.map(({ name, drains }) => {
      const perSecond = drains.map((one) => one.perSecond)
      const cpu = spread(drains.map((one) => one.cpuMicros))
      return [name, spread(perSecond), compare(ours, perSecond), cpu, spread(drains.map((one) => one.peakMb))]
    }),
  }
}
