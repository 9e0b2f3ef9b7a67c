import { Kysely, PostgresDialect } from 'kysely'
import type { ClientBase, PoolClient } from 'pg'
import { fromKysely, PgBoss } from 'pg-boss'
import type { Site } from '../site.ts'
import type { Contender } from './contender.ts'
import { startSender } from './sender.ts'

export const QUEUE = 'push'

/** One worker for each job at once, each of which polls, or one that fetches as many at once. */
export type PgBossFlavour = 'workers' | 'batches'

const names = {
  workers: 'pg-boss, localConcurrency',
  batches: 'pg-boss, batchSize',
} satisfies Record<PgBossFlavour, string>

/**
 * pg-boss: the job is sent in the transaction by its Kysely adapter, and its handler posts it.
 * https://pgboss.io/api/adapters#kysely, https://pgboss.io/api/workers
 */
export async function openPgBoss({ databaseUrl, pool }: Site, flavour: PgBossFlavour): Promise<Contender> {
  const boss = new PgBoss({ connectionString: databaseUrl, supervise: false, schedule: false })
  boss.on('error', console.error)
  await boss.start()
  await boss.createQueue(QUEUE)
  return {
    name: names[flavour],
    afterCommit: false,
    share: flavour === 'workers' ? 0.15 : 0.25,
    async empty() {
      await boss.deleteAllJobs(QUEUE)
    },
    async fill(pushes) {
      await boss.insert(
        QUEUE,
        pushes.map((data) => ({ data })),
      )
      await pool.query('vacuum analyze pgboss.job')
    },
    async record(client, push) {
      await boss.send(QUEUE, push, { db: fromKysely(kyselyOver(client)) })
    },
    start: (concurrency) => startSender('pg-boss', { url: databaseUrl, concurrency, flavour }),
    close: () => boss.stop({ graceful: false }),
  }
}

const kyselies = new WeakMap<ClientBase, Kysely<unknown>>()

/** The caller's own connection, which has its transaction open. */
function kyselyOver(client: ClientBase): Kysely<unknown> {
  const known = kyselies.get(client)
  if (known) return known
  const connection = { query: client.query.bind(client), release: () => undefined } as unknown as PoolClient
  const kysely = new Kysely<unknown>({
    dialect: new PostgresDialect({
      pool: { options: {}, connect: async () => connection, end: async () => undefined },
    }),
  })
  kyselies.set(client, kysely)
  return kysely
}
