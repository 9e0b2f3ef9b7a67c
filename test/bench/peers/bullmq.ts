import { Queue } from 'bullmq'
import type { Contender } from './contender.ts'
import { startRedis } from './redis.ts'
import { startSender } from './sender.ts'

export const QUEUE = 'push'

/** As its documentation has it for jobs that are not to pile up. */
const KEPT = { removeOnComplete: true, removeOnFail: 1000 } as const

/**
 * BullMQ on Redis: the job is added after the commit, and its processor posts it. `undefined` without a `redis-server`.
 * https://docs.bullmq.io/guide/queues, https://docs.bullmq.io/guide/workers/concurrency
 */
export async function openBullMq(): Promise<Contender | undefined> {
  const redis = await startRedis()
  if (redis === undefined) return undefined
  const queue = new Queue(QUEUE, { connection: { url: redis.url } })
  return {
    name: 'BullMQ on Redis (everysec)',
    afterCommit: true,
    share: 1,
    empty: () => queue.obliterate({ force: true }),
    async fill(pushes) {
      await queue.addBulk(pushes.map((data) => ({ name: 'push', data, opts: KEPT })))
    },
    async record(_client, push) {
      await queue.add('push', push, KEPT)
    },
    start: (concurrency) => startSender('bullmq', { url: redis.url, concurrency }),
    async close() {
      await queue.close()
      await redis.stop()
    },
  }
}
