import { startPostgres } from 'example-local-postgres'
import { migrate } from 'risc-worker'
import { openCountingReceiver } from './counting-receiver.ts'
import { compareDelivery, DELIVERIES } from './deliver-work.ts'
import { EVENTS, EVENTS_PER_SECOND, measureLatency } from './latency.ts'
import { openPool } from './open-pool.ts'
import { quantile } from './quantile.ts'
import { type Rate, ratio, spread } from './rounds.ts'

const ROUNDS = 5
const PROMISED_RATIO = 0.7

/**
 * Deliveries per second of one worker process over 20 healthy streams, beside a bare got loop with the same requests,
 * then the time from commit to the receiver. Fails if the worker reaches less than 0.7 of the loop.
 */
export async function run(): Promise<void> {
  const postgres = await startPostgres({ durable: true })
  const receiver = await openCountingReceiver()
  const pool = openPool(postgres.url)
  try {
    await migrate(postgres.url)
    const { got, worker } = await compareDelivery(postgres.url, pool, receiver, ROUNDS)
    const latency = await measureLatency(postgres.url, pool, receiver)
    report(got, worker, latency)
  } finally {
    await pool.end()
    receiver.close()
    await postgres.stop()
  }
}

function report(got: Rate, worker: Rate, latency: readonly number[]): void {
  const compared = ratio(worker, got)
  console.log(`${ROUNDS} interleaved rounds of ${DELIVERIES} deliveries over 20 streams, one process each`)
  for (const { name, perSecond } of [got, worker]) {
    const { median, min, max } = spread(perSecond)
    console.log(`${name.padEnd(20)}  ${median.toFixed(0)} (${min.toFixed(0)} … ${max.toFixed(0)}) per second`)
  }
  console.log(
    `ratio                 ${compared.median.toFixed(2)} (${compared.min.toFixed(2)} … ${compared.max.toFixed(2)})`,
  )
  const [p50, p99] = [quantile(latency, 0.5), quantile(latency, 0.99)]
  console.log(
    `commit to receiver    median ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms (${EVENTS} events at ${EVENTS_PER_SECOND}/s)`,
  )
  console.log(
    JSON.stringify({ bench: 'deliver', got: got.perSecond, worker: worker.perSecond, ratio: compared, p50, p99 }),
  )
  if (compared.median < PROMISED_RATIO) {
    console.error(`one worker delivers at less than ${PROMISED_RATIO} times the rate of a bare got loop`)
    process.exitCode = 1
  }
}
