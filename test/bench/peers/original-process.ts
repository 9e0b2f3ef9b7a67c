import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { postSet } from './post-set.ts'
import { readOrder } from './sender.ts'

// See original.ts: five seconds between looks at an empty queue; a network error is tried once more after three seconds;
// any answer at all is the end of it.
const POLL_MS = 5000
const TRIES = 2
const CANDIDATES = 5000

const NEXT = `
  with oldest as materialized (
    select id from original_jobs where due_at <= now() order by created_at, id limit ${CANDIDATES})
  select id, url, body from original_jobs
  where id in (select id from oldest where pg_try_advisory_lock(id) limit 1)`

const { url, concurrency } = readOrder()
await Promise.all(Array.from({ length: concurrency }, work))

async function work(): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  for (;;) {
    const { rows } = await client.query(NEXT)
    const [job] = rows
    if (job === undefined) {
      await sleep(POLL_MS)
      continue
    }
    if (await sent(job.url, job.body)) await client.query('delete from original_jobs where id = $1', [job.id])
    else await putOff(client, job.id)
    await client.query('select pg_advisory_unlock($1)', [job.id])
  }
}

async function sent(url: string, body: string): Promise<boolean> {
  try {
    await postSet(url, body)
    return true
  } catch (error) {
    return error instanceof Error && 'response' in error && error.response !== undefined
  }
}

async function putOff(client: Client, id: string): Promise<void> {
  await client.query('delete from original_jobs where id = $1 and tries + 1 >= $2', [id, TRIES])
  await client.query(`update original_jobs set tries = tries + 1, due_at = now() + interval '3 s' where id = $1`, [id])
}
