import { addStreams, CONCURRENCY } from './drain.ts'
import type { Findings } from './findings.ts'
import { type Moment, rateBetween, watchFlow } from './flow.ts'
import { definePart, type Part } from './part.ts'
import { openRiscOutbox } from './peers/risc-outbox.ts'
import { promises } from './promises.ts'
import { onSite, type Site } from './site.ts'
import { workersStarted } from './worker-process.ts'

const STREAMS = 20
const IDS = Array.from({ length: STREAMS }, (_, n) => `stream-${n + 1}`)
const EVERY_MS = 1000

interface Options extends Record<string, number> {
  readonly seconds: number
}

interface Turn {
  readonly name: string
  readonly moments: readonly Moment[]
}

/** Whether deliveries slow down while somebody holds an old snapshot, as `pg_dump` does: what was settled cannot be removed. */
export const part: Part = definePart<Options>({
  name: 'snapshot',
  about: 'the rate while another session holds a snapshot',
  minutes: 11,
  options: { seconds: 300 },
  quick: { seconds: 4 },
  run: ({ seconds }) =>
    onSite(async (site) => {
      await addStreams(site, STREAMS)
      const without = { name: 'no snapshot held', moments: await deliverFor(site, seconds) }
      const holder = await site.pool.connect()
      try {
        await holder.query('begin isolation level repeatable read')
        await holder.query('select from risc.streams limit 1')
        const held = { name: 'a snapshot held all the time', moments: await deliverFor(site, seconds) }
        return findingsOf(site, seconds, without, held)
      } finally {
        holder.release(true)
      }
    }),
})

async function deliverFor(site: Site, seconds: number): Promise<Moment[]> {
  const worker = (await openRiscOutbox(site)).start(CONCURRENCY)
  try {
    await workersStarted(site.pool, 1)
    const ended = ({ at }: Moment, startedAt: number): boolean => at >= startedAt + seconds * 1000
    return await watchFlow(site, worker.pid, IDS, { everyMs: EVERY_MS, ended })
  } finally {
    await worker.stop()
    await site.pool.query('delete from risc.deliveries; delete from risc.inflight') // truncate would wait for the snapshot
  }
}

function findingsOf(site: Site, seconds: number, without: Turn, held: Turn): Findings {
  const parts = (moments: readonly Moment[]) => {
    const cuts = [0, 1, 2, 3].map((n) => moments[Math.round(((moments.length - 1) * n) / 3)])
    return [0, 1, 2].map((n) => rateBetween(cuts[n], cuts[n + 1]))
  }
  const [base, beside] = [parts(without.moments), parts(held.moments)]
  return {
    postgres: site.postgres,
    tables: [
      {
        caption: `One worker kept busy over ${STREAMS} streams for ${seconds} s; deliveries per second`,
        columns: [
          { name: '' },
          { name: 'first third' },
          { name: 'second' },
          { name: 'last' },
          { name: 'last to last without', digits: 2 },
        ],
        rows: [
          [without.name, ...base, 1],
          [held.name, ...beside, lastOf(beside) / lastOf(base)],
        ],
      },
    ],
    verdicts: [promises.snapshot.judge(lastOf(beside) / lastOf(base))],
    plot: {
      kind: 'lines',
      x: 'seconds',
      y: 'deliveries per second',
      points: [without, held].flatMap(({ name, moments }) =>
        moments.slice(1).map((moment, n) => ({
          line: name,
          x: (moment.at - (moments[0]?.at ?? 0)) / 1000,
          y: rateBetween(moments[n], moment),
        })),
      ),
    },
  }
}

const lastOf = (rates: readonly number[]): number => rates.at(-1) ?? Number.NaN
