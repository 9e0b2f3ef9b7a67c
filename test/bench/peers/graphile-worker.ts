import { runMigrations } from 'graphile-worker'
import type { Site } from '../site.ts'
import type { Contender } from './contender.ts'
import { startSender } from './sender.ts'

/** How a runner is set: with what it has by default, with as many jobs at once as everybody, or as for much work. */
export type GraphileFlavour = 'defaults' | 'concurrent' | 'tuned'

const names = {
  defaults: 'graphile-worker, its defaults (1 at once)',
  concurrent: 'graphile-worker',
  tuned: 'graphile-worker, localQueue and batches',
} satisfies Record<GraphileFlavour, string>

/**
 * graphile-worker by itself: the job is added in the transaction by `add_job`, and its task posts it.
 * https://worker.graphile.org/docs/sql-add-job, https://worker.graphile.org/docs/library/run
 */
export async function openGraphileWorker({ databaseUrl, pool }: Site, flavour: GraphileFlavour): Promise<Contender> {
  await runMigrations({ connectionString: databaseUrl })
  return {
    name: names[flavour],
    afterCommit: false,
    share: flavour === 'defaults' ? 0.2 : 1,
    ...(flavour === 'defaults' && { concurrency: 1 }),
    async empty() {
      await pool.query('truncate graphile_worker._private_jobs')
    },
    async fill(pushes) {
      await pool.query(`select graphile_worker.add_job('push', payload) from json_array_elements($1) payload`, [
        JSON.stringify(pushes),
      ])
      await pool.query('vacuum analyze graphile_worker._private_jobs')
    },
    async record(client, push) {
      await client.query(`select graphile_worker.add_job('push', $1)`, [JSON.stringify(push)])
    },
    start: (concurrency) => startSender('graphile-worker', { url: databaseUrl, concurrency, flavour }),
    close: async () => undefined,
  }
}
