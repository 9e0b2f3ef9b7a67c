import type { Child } from './child.ts'
import type { CountingReceiver } from './counting-receiver.ts'
import type { Contender, Push } from './peers/contender.ts'
import { cpuBetween, peakRssMb, type Usage, watchUsage } from './process-usage.ts'
import type { Site } from './site.ts'
import { warmUpOf } from './warm-up.ts'

/** As many at once as every sender may have, but those that are named with fewer. */
export const CONCURRENCY = 200

/** What sending a filled queue came to, by the receiver's clock, from when it was warm to the last request. */
export interface Drain {
  readonly perSecond: number
  /** Of the sending processes together in that time. */
  readonly cpuMicros: number
  /** Of the process that had most. */
  readonly peakMb: number
}

/** As long as an RS256-signed SET of one event, and each different. */
const BODY_LENGTH = 900

/** SETs for all streams in turns; each stream has a path of its own. */
export function makePushes(count: number, streams: number, url: string): Push[] {
  return Array.from({ length: count }, (_, n) => {
    const stream = n % streams
    return { streamId: `stream-${stream + 1}`, url: `${url}/${stream}`, body: `${n}.`.padEnd(BODY_LENGTH, 'x') }
  })
}

/** The streams that `makePushes` counts on, whose receivers are known to be quick. */
export async function addStreams({ pool, receiver }: Site, streams: number): Promise<void> {
  await pool.query(
    `insert into risc.streams (id, endpoint_url, audience, rate_limit)
     select 'stream-' || n, $2 || '/' || n - 1, '{https://partner.example}', 100000000 from generate_series(1, $1::integer) n
     on conflict do nothing`,
    [streams, receiver.url],
  )
  await pool.query('update risc.flow set ramp = 10000')
}

/** Fills the contender's queue, and measures how it is emptied. */
export async function drain(contender: Contender, pushes: readonly Push[], receiver: CountingReceiver): Promise<Drain> {
  const some = pushes.slice(0, Math.max(2, Math.floor(pushes.length * contender.share)))
  await contender.empty()
  await contender.fill(some)
  return measureSending(receiver, some.length, () => [contender.start(contender.concurrency ?? CONCURRENCY)])
}

/** Starts senders of `count` requests, does what `ready` is to do once they run, and measures them until the last has come. */
export async function measureSending(
  receiver: CountingReceiver,
  count: number,
  start: () => readonly Child[],
  ready: () => Promise<void> = async () => undefined,
): Promise<Drain> {
  const arrived = receiver.receive(count)
  const senders = start()
  const done = new AbortController()
  const watching = Promise.all(senders.map(({ pid }) => watchUsage(pid, done.signal)))
  await ready()
  const { warmAt, lastAt } = await Promise.race([arrived, ...senders.map(({ failed }) => failed)])
  done.abort()
  const usages = await watching
  await Promise.all(senders.map((sender) => sender.stop()))
  const measured = count - warmUpOf(count)
  return {
    perSecond: (measured * 1000) / (lastAt - warmAt),
    cpuMicros: (sum(usages, (seen) => cpuBetween(seen, warmAt, lastAt)) * 1000) / measured,
    peakMb: Math.max(...usages.map(peakRssMb)),
  }
}

function sum(usages: readonly Usage[][], one: (seen: Usage[]) => number): number {
  return usages.reduce((total, seen) => total + one(seen), 0)
}
