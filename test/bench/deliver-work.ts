import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Pool } from 'pg'
import type { CountingReceiver } from './counting-receiver.ts'
import type { Rate } from './rounds.ts'
import { startWorkerProcess } from './worker-process.ts'

export const DELIVERIES = 10_000
const STREAMS = 20
/** As many as a worker has slots by default. */
const CONCURRENCY = 200
/** The size of an RS256-signed SET of one event. */
const SET = 'x'.repeat(900)

/** The same POSTs by a bare got loop and by a worker, in turns; rates by the receiver's clock, first request to last. */
export async function compareDelivery(
  databaseUrl: string,
  pool: Pool,
  receiver: CountingReceiver,
  rounds: number,
): Promise<{ got: Rate; worker: Rate }> {
  const urls = Array.from({ length: STREAMS }, (_, n) => `${receiver.url}/${n}`)
  await pool.query(
    `insert into risc.streams (id, endpoint_url, audience, rate_limit)
     select 'stream-' || n, url, array[url], 1000000 from unnest($1::text[]) with ordinality u (url, n)`,
    [urls],
  )
  const got: number[] = []
  const worker: number[] = []
  for (let round = 0; round < rounds; round++) {
    got.push(await rateOf(receiver, () => runGotLoop(urls)))
    await enqueueAll(pool)
    worker.push(await rateOf(receiver, () => startWorkerProcess(databaseUrl)))
  }
  return { got: { name: 'bare got loop', perSecond: got }, worker: { name: 'one risc-worker', perSecond: worker } }
}

async function rateOf(receiver: CountingReceiver, start: () => () => Promise<void>): Promise<number> {
  const arrived = receiver.receive(DELIVERIES)
  const stop = start()
  const { firstAt, lastAt } = await arrived
  await stop()
  return ((DELIVERIES - 1) * 1000) / (lastAt - firstAt)
}

function runGotLoop(urls: readonly string[]): () => Promise<void> {
  const order = JSON.stringify({ urls, requests: DELIVERIES, concurrency: CONCURRENCY, body: SET })
  const file = fileURLToPath(new URL('got-loop.ts', import.meta.url))
  const loop = spawn(process.execPath, [file, order], { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = once(loop, 'exit')
  return async () => void (await ended)
}

async function enqueueAll(pool: Pool): Promise<void> {
  await pool.query(
    `insert into risc.deliveries (stream_id, jti, txn, event_type, kid, signed_set)
     select 'stream-' || n % $2 + 1, gen_random_uuid(), 'txn', 'https://events.example/changed', 'key', $3
     from generate_series(1, $1::integer) n`,
    [DELIVERIES, STREAMS, SET],
  )
  await pool.query('vacuum analyze risc.deliveries')
}
