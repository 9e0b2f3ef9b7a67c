import { freePort } from 'example-local-postgres'
import { addStreams, CONCURRENCY } from './drain.ts'
import type { Findings } from './findings.ts'
import { type Moment, rateBetween, watchFlow } from './flow.ts'
import { growthOf } from './growth.ts'
import { definePart, type Part } from './part.ts'
import { promises } from './promises.ts'
import { onSite, type Site } from './site.ts'
import { startWorkerProcess, workersStarted } from './worker-process.ts'

const STREAMS = 20
const IDS = Array.from({ length: STREAMS }, (_, n) => `stream-${n + 1}`)
const MB = 2 ** 20

interface Options extends Record<string, number> {
  readonly deliveries: number
  readonly every: number
}

/** Whether the memory of a worker is flat over very many deliveries. */
export const part: Part = definePart<Options>({
  name: 'soak',
  about: 'the memory of one worker over half a million deliveries',
  minutes: 6,
  options: { deliveries: 500_000, every: 5 },
  quick: { deliveries: 2000, every: 1 },
  run: (options) => onSite((site) => soak(site, options)),
})

async function soak(site: Site, { deliveries, every }: Options): Promise<Findings> {
  await addStreams(site, STREAMS)
  const port = await freePort('127.0.0.1')
  const worker = startWorkerProcess(site.databaseUrl, {
    RISC_CONCURRENCY: String(CONCURRENCY),
    RISC_HTTP_PORT: String(port),
  })
  try {
    await workersStarted(site.pool, 1)
    const moments = await watchFlow(site, worker.pid, IDS, {
      everyMs: every * 1000,
      ended: ({ delivered }) => delivered >= deliveries,
    })
    return findingsOf(site, moments, await heapMb(port))
  } finally {
    await worker.stop()
  }
}

async function heapMb(port: number): Promise<number> {
  const text = await fetch(`http://127.0.0.1:${port}/metrics`).then((answer) => answer.text())
  return Number(text.match(/^nodejs_heap_size_used_bytes (\S+)$/m)?.[1]) / MB
}

function findingsOf({ postgres }: Site, moments: readonly Moment[], heap: number): Findings {
  const seen = moments.map(({ at, delivered, rssMb }) => ({ x: delivered, at, y: rssMb ?? Number.NaN }))
  const growth = growthOf(seen.slice(Math.floor(seen.length / 2)).map(({ x, y }) => ({ x, y }))) * 100
  const rss = seen.map(({ y }) => y)
  return {
    postgres,
    tables: [
      {
        caption: `One worker, ${moments.at(-1)?.delivered} deliveries over ${STREAMS} streams`,
        columns: [
          { name: 'deliveries per second' },
          { name: 'peak MB' },
          { name: 'MB at the end' },
          { name: 'heap MB at the end' },
          { name: '% growth over the second half', digits: 1 },
        ],
        rows: [[rateBetween(moments[0], moments.at(-1)), Math.max(...rss), rss.at(-1) ?? null, heap, growth]],
      },
    ],
    verdicts: [promises.soakGrowth.judge(growth)],
    plot: {
      kind: 'lines',
      x: 'deliveries',
      y: 'MB resident',
      points: seen.map(({ x, y }) => ({ line: 'one worker', x, y })),
    },
  }
}
