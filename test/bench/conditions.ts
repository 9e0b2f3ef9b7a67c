import { addStreams, CONCURRENCY, type Drain, makePushes, measureSending } from './drain.ts'
import type { Findings, Verdict } from './findings.ts'
import { openRiscOutbox } from './peers/risc-outbox.ts'
import { compare, spread, turns } from './rounds.ts'
import type { Site } from './site.ts'

/** What a worker is to deliver beside. */
export interface Condition {
  readonly name: string
  /** Where; by default, where all are. */
  readonly site?: Site
  /** Brings it about, in a database where nothing waits. What waits may be for the streams that are measured. */
  readonly prepare: (site: Site) => Promise<void>
}

/** How to measure, and what each ratio to the first condition is held against. */
export interface Comparison {
  readonly rounds: number
  readonly deliveries: number
  readonly judge: (ratio: number, condition: string) => readonly Verdict[]
}

export const STREAMS = 20

/** The rate of one worker under each condition in turns, beside the rate under the first. */
export async function compareConditions(
  site: Site,
  conditions: readonly Condition[],
  { rounds, deliveries, judge }: Comparison,
): Promise<Findings> {
  for (const place of new Set(conditions.map((condition) => condition.site ?? site))) await addStreams(place, STREAMS)
  const lanes = conditions.map((condition) => ({ condition, drains: [] as Drain[] }))
  for (let round = 0; round < rounds; round++) {
    for (const [, { condition, drains }] of turns(lanes, round)) {
      drains.push(await drainUnder(condition.site ?? site, condition, deliveries))
    }
  }
  const rates = lanes.map(({ drains }) => drains.map(({ perSecond }) => perSecond))
  const base = rates[0] ?? []
  const lines = lanes.map(({ condition: { name }, drains }, n) => ({
    name,
    drains,
    perSecond: rates[n] ?? [],
    ratio: compare(rates[n] ?? [], base),
  }))
  return {
    postgres: site.postgres,
    tables: [
      {
        caption: `${rounds} interleaved rounds of ${deliveries} deliveries over ${STREAMS} streams, one worker`,
        columns: [
          { name: 'beside' },
          { name: 'deliveries per second' },
          { name: 'to the first', digits: 2 },
          { name: 'CPU µs per delivery' },
        ],
        rows: lines.map(({ name, perSecond, ratio, drains }) => [
          name,
          spread(perSecond),
          ratio,
          spread(drains.map(({ cpuMicros }) => cpuMicros)),
        ]),
      },
    ],
    verdicts: lines.slice(1).flatMap(({ name, ratio }) => judge(ratio.median, name)),
    plot: {
      kind: 'bars',
      unit: 'deliveries per second, one worker',
      bars: lines.map(({ name, perSecond }) => ({ name, value: spread(perSecond) })),
    },
  }
}

async function drainUnder(site: Site, { prepare }: Condition, deliveries: number): Promise<Drain> {
  const risc = await openRiscOutbox(site)
  await site.pool.query('truncate risc.deliveries, risc.inflight, risc_worker._private_jobs cascade') // history stays
  await prepare(site)
  await risc.fill(makePushes(deliveries, STREAMS, site.receiver.url))
  await site.pool.query('checkpoint')
  return measureSending(site.receiver, deliveries, () => [risc.start(CONCURRENCY)])
}
