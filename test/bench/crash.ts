import { setTimeout as sleep } from 'node:timers/promises'
import { clock } from './clock.ts'
import type { Report } from './counting-receiver-process.ts'
import { addStreams, CONCURRENCY, makePushes } from './drain.ts'
import type { Findings } from './findings.ts'
import { definePart, type Part } from './part.ts'
import type { Contender } from './peers/contender.ts'
import { NO_REDIS, withContenders } from './peers/open-contenders.ts'
import { spread, turns } from './rounds.ts'
import { onSite, type Site } from './site.ts'

const STREAMS = 20
const LOOK_EVERY_MS = 50

interface Options extends Record<string, number> {
  readonly rounds: number
  readonly deliveries: number
  /** Seconds after the kill. */
  readonly wait: number
}

interface Crash {
  readonly duplicates: number
  readonly missing: number
  /** Until the last that came; of what is missing nothing is known. */
  readonly seconds: number
}

/** What `kill -9` of the one sending process costs, with another started at once: what comes twice, late, or not in time. */
export const part: Part = definePart<Options>({
  name: 'crash',
  about: 'the one sending process is killed half-way and started again',
  minutes: 5,
  options: { rounds: 1, deliveries: 4000, wait: 60 },
  quick: { rounds: 1, deliveries: 400, wait: 6 },
  run: (options) => onSite((site) => compareCrashes(site, options)),
})

async function compareCrashes(site: Site, options: Options): Promise<Findings> {
  const { rounds, deliveries, wait } = options
  await addStreams(site, STREAMS)
  return withContenders(site, async ({ graphileDefaults: _, pgBossWorkers: __, bullMq, ...others }) => {
    const lanes = [...Object.values(others), ...(bullMq ? [bullMq] : [])].map((contender) => ({
      contender,
      crashes: [] as Crash[],
    }))
    for (let round = 0; round < rounds; round++) {
      for (const [, { contender, crashes }] of turns(lanes, round)) crashes.push(await crash(site, contender, options))
    }
    const lines = lanes.map(({ contender: { name }, crashes }) => ({
      name,
      seconds: spread(crashes.map((one) => one.seconds)),
      duplicates: spread(crashes.map((one) => one.duplicates)),
      missing: spread(crashes.map((one) => one.missing)),
    }))
    return {
      postgres: site.postgres,
      tables: [
        {
          caption: `${rounds} rounds of ${deliveries} deliveries, ${CONCURRENCY} at once, killed half-way`,
          columns: [
            { name: 'sent by' },
            { name: 's until the last came', digits: 1 },
            { name: 'came twice' },
            { name: `not there after ${wait} s` },
          ],
          rows: lines.map(({ name, seconds, duplicates, missing }) => [name, seconds, duplicates, missing]),
        },
      ],
      verdicts: [],
      plot: {
        kind: 'bars',
        unit: `deliveries that were not there ${wait} s after the crash`,
        bars: lines.map(({ name, missing }) => ({ name, value: missing })),
      },
      notes: bullMq ? [] : [NO_REDIS],
    }
  })
}

async function crash({ receiver }: Site, contender: Contender, { deliveries, wait }: Options): Promise<Crash> {
  const pushes = makePushes(deliveries, STREAMS, receiver.url)
  const some = pushes.slice(0, Math.floor(deliveries * contender.share))
  await contender.empty()
  await contender.fill(some)
  receiver.collect({ keepBodies: true })
  const start = () => contender.start(contender.concurrency ?? CONCURRENCY)
  const first = start()
  const distinct = ({ bodies }: Report): number => new Set(bodies.map(({ body }) => body)).size
  const reached = async (): Promise<void> => {
    while ((await receiver.tell()).count < some.length / 2) await sleep(LOOK_EVERY_MS)
  }
  await Promise.race([reached(), first.failed])
  await first.kill()
  const killedAt = clock()
  const second = start()
  try {
    let report = await receiver.tell()
    while (distinct(report) < some.length && clock() < killedAt + wait * 1000) {
      await sleep(LOOK_EVERY_MS * 5)
      report = await receiver.tell()
    }
    return {
      duplicates: report.count - distinct(report),
      missing: some.length - distinct(report),
      seconds: (report.lastAt - killedAt) / 1000,
    }
  } finally {
    await second.stop()
  }
}
