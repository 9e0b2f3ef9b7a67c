import type { Site } from '../site.ts'
import type { Contender } from './contender.ts'
import { startSender } from './sender.ts'

/** `default:5;low:1;*` with five threads each: what is left for such jobs. */
const THREADS = 6

/**
 * The pattern that this outbox replaces, in Node: after the commit a row is inserted into one queue for all receivers, and
 * each thread of a worker keeps the row it sends locked by an advisory lock of its session, as GoodJob does.
 * https://github.com/bensheldon/good_job#how-concurrency-works
 */
export async function openOriginal({ databaseUrl, pool }: Site): Promise<Contender> {
  await pool.query(`
    create table if not exists original_jobs (
      id bigint generated always as identity primary key,
      created_at timestamptz not null default now(),
      due_at timestamptz not null default now(),
      tries integer not null default 0,
      url text not null,
      body text not null);
    create index if not exists original_jobs_created on original_jobs (created_at, id)`)
  return {
    name: `the original’s pattern (${THREADS} threads)`,
    afterCommit: true,
    concurrency: THREADS,
    share: 0.2,
    async empty() {
      await pool.query('truncate original_jobs')
    },
    async fill(pushes) {
      await pool.query(
        'insert into original_jobs (url, body) select p.url, p.body from jsonb_to_recordset($1) p (url text, body text)',
        [JSON.stringify(pushes)],
      )
      await pool.query('vacuum analyze original_jobs')
    },
    async record(client, { url, body }) {
      await client.query('insert into original_jobs (url, body) values ($1, $2)', [url, body])
    },
    start: (concurrency) => startSender('original', { url: databaseUrl, concurrency }),
    close: async () => undefined,
  }
}
