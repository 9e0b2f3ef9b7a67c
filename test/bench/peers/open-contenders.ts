import type { Site } from '../site.ts'
import { openBullMq } from './bullmq.ts'
import type { Contender } from './contender.ts'
import { openGraphileWorker } from './graphile-worker.ts'
import { openOriginal } from './original.ts'
import { openPgBoss } from './pg-boss.ts'
import { openRiscOutbox } from './risc-outbox.ts'

export interface Contenders {
  readonly risc: Contender
  readonly graphile: Contender
  readonly graphileDefaults: Contender
  readonly graphileTuned: Contender
  readonly pgBossWorkers: Contender
  readonly pgBossBatches: Contender
  readonly original: Contender
  /** Where there is a `redis-server`. */
  readonly bullMq: Contender | undefined
}

/** Gives all of them to `work`, and closes them afterwards. */
export async function withContenders<Result>(
  site: Site,
  work: (contenders: Contenders) => Promise<Result>,
): Promise<Result> {
  const contenders: Contenders = {
    risc: await openRiscOutbox(site),
    graphile: await openGraphileWorker(site, 'concurrent'),
    graphileDefaults: await openGraphileWorker(site, 'defaults'),
    graphileTuned: await openGraphileWorker(site, 'tuned'),
    pgBossWorkers: await openPgBoss(site, 'workers'),
    pgBossBatches: await openPgBoss(site, 'batches'),
    original: await openOriginal(site),
    bullMq: await openBullMq(),
  }
  try {
    return await work(contenders)
  } finally {
    for (const contender of Object.values(contenders)) await contender?.close()
  }
}

export const NO_REDIS = 'BullMQ: not measured, no redis-server'
