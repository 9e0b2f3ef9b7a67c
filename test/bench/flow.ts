import { setTimeout as sleep } from 'node:timers/promises'
import { addBacklog } from './backlog.ts'
import { clock } from './clock.ts'
import { type Usage, usageOf } from './process-usage.ts'
import type { Site } from './site.ts'

/** What a worker had delivered and was using at a moment of a long run. */
export interface Moment extends Partial<Usage> {
  readonly at: number
  readonly delivered: number
}

/** Enough that no worker waits for more before the next look. */
const KEPT_WAITING = 20_000

/** Keeps deliveries waiting for a worker and looks every few seconds, until `ended` says that it is enough. */
export async function watchFlow(
  { pool, receiver }: Site,
  pid: number,
  streamIds: readonly string[],
  { everyMs, ended }: { readonly everyMs: number; readonly ended: (moment: Moment, startedAt: number) => boolean },
): Promise<Moment[]> {
  const moments: Moment[] = []
  const startedAt = clock()
  let added = 0
  receiver.collect()
  for (;;) {
    const { count } = await receiver.tell()
    const moment = { delivered: count, ...(await usageOf(pid)), at: clock() }
    moments.push(moment)
    if (ended(moment, startedAt)) return moments
    const perStream = Math.ceil((count + KEPT_WAITING - added) / streamIds.length)
    if (perStream > 0) {
      await addBacklog(pool, streamIds, { perStream })
      added += perStream * streamIds.length
    }
    await sleep(everyMs)
  }
}

/** Deliveries per second between two moments. */
export function rateBetween(from: Moment | undefined, to: Moment | undefined): number {
  if (from === undefined || to === undefined) return Number.NaN
  return ((to.delivered - from.delivered) * 1000) / (to.at - from.at)
}
