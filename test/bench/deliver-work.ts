import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Pool } from 'pg'
import { addBacklog, STAND_IN } from './backlog.ts'
import type { CountingReceiver } from './counting-receiver.ts'
import type { Rate } from './rounds.ts'
import { startWorkerProcess } from './worker-process.ts'

export const DELIVERIES = 10_000
const STREAMS = 20
/** As many as a worker has slots by default. */
const CONCURRENCY = 200
const STREAM_IDS = Array.from({ length: STREAMS }, (_, n) => `stream-${n + 1}`)

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
    await addBacklog(pool, STREAM_IDS, { perStream: DELIVERIES / STREAMS })
    await pool.query('vacuum analyze risc.deliveries')
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
  const order = JSON.stringify({ urls, requests: DELIVERIES, concurrency: CONCURRENCY, body: STAND_IN })
  const file = fileURLToPath(new URL('got-loop.ts', import.meta.url))
  const loop = spawn(process.execPath, [file, order], { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = once(loop, 'exit')
  return async () => void (await ended)
}
