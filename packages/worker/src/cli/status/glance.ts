import type { Kysely } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import { type AcceptedSecond, readAccepted, readStreamHealth, readTime, type StreamHealth } from '../queries/health.ts'
import { type LiveWorker, readLiveWorkers } from '../queries/workers.ts'

/** What is seen of the streams and the workers at one moment, but for what has to be counted. */
export interface Glance {
  readonly at: Date
  readonly streams: readonly StreamHealth[]
  readonly workers: readonly LiveWorker[]
  /** In the whole seconds of the last minute. */
  readonly accepted: readonly AcceptedSecond[]
}

/** The last second that is whole, and the 59 before it. */
export const SECONDS_KEPT = 60

/** A settle is dated when it begins and seen when it commits, so the latest seconds are read again. */
const SECONDS_READ_AGAIN = 3

/** Looks once, at one snapshot. Whoever has looked before reads of the last minute only what is new since. */
export function glance(db: Kysely<OutboxDatabase>, before?: Glance): Promise<Glance> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      const at = await readTime(trx)
      const oldest = secondOf(at) - SECONDS_KEPT
      const since = before === undefined ? oldest : Math.max(oldest, secondOf(before.at) - SECONDS_READ_AGAIN)
      const known = before?.accepted.filter(({ second }) => second >= oldest && second < since) ?? []
      return {
        at,
        streams: await readStreamHealth(trx),
        workers: await readLiveWorkers(trx),
        accepted: [...known, ...(await readAccepted(trx, since))],
      }
    })
}

/** The second of the epoch that a time is in. */
export function secondOf(time: Date): number {
  return Math.floor(time.getTime() / 1000)
}
