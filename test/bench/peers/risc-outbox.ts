import { NEW_ID } from '../backlog.ts'
import type { Site } from '../site.ts'
import { startWorkerProcess } from '../worker-process.ts'
import type { Contender, Push } from './contender.ts'

/** The outbox, with rows as `enqueue` writes them. Its streams have to be there. */
export async function openRiscOutbox({ databaseUrl, pool }: Site): Promise<Contender> {
  return {
    name: 'risc-worker',
    afterCommit: false,
    share: 1,
    async empty() {
      await pool.query('truncate risc.deliveries, risc.inflight, risc.history, risc_worker._private_jobs cascade')
    },
    async fill(pushes) {
      await pool.query(`${INSERT} from jsonb_to_recordset($1) p ("streamId" text, body text)`, [JSON.stringify(pushes)])
      await pool.query('vacuum analyze risc.deliveries')
    },
    async record(client, { streamId, body }: Push) {
      await client.query(`${INSERT} from (values ($1::text, $2::text)) p ("streamId", body)`, [streamId, body])
    },
    start: (concurrency) => startWorkerProcess(databaseUrl, { RISC_CONCURRENCY: String(concurrency) }),
    close: async () => undefined,
  }
}

/** Each about a user of its own, and as old as if it had had a transaction of its own. */
const INSERT = `insert into risc.deliveries
    (stream_id, jti, txn, event_type, kid, order_key, signed_set, created_at, due_at)
  select p."streamId", ${NEW_ID}, ${NEW_ID}, 'https://events.example/changed', 'key', hashtextextended(p.body, 0), p.body,
    clock_timestamp(), clock_timestamp()`
