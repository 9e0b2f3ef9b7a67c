import { startPostgres } from 'example-local-postgres'
import type { Pool } from 'pg'
import { migrate } from 'risc-worker'
import { createAuthority } from '../support/certificates.ts'
import { openPool } from '../support/database.ts'
import { addStream } from '../worker/rows.ts'
import { addressOf, SUBNET, WORKER_HOSTS } from './network.ts'
import { type Producer, startProducer } from './producer.ts'
import { endpointOf, openReceivers, type Receivers } from './receivers.ts'
import { startWorker, type WorkerProcess } from './worker-process.ts'

/** All that takes part, each on its host; the IdP shares its database's. */
export interface Stage {
  readonly pool: Pool
  readonly producer: Producer
  readonly receivers: Receivers
  readonly workers: readonly WorkerProcess[]
}

/** The partners. */
export const STREAMS: readonly string[] = ['bank', 'benefits', 'library', 'parks', 'pensions', 'taxes']

/** More attempts than any outage here takes. */
const PATIENCE = { timeout_ms: 5000, retry_delays_ms: Array<number>(60).fill(1000) }

/** Starts everything, each thing noted in `cleanup` before the next is started. */
export async function setStage(cleanup: AsyncDisposableStack): Promise<Stage> {
  const network = { address: addressOf('db'), clients: SUBNET }
  const postgres = await startPostgres({ network, settings: { max_connections: '200' } })
  cleanup.defer(postgres.stop)
  await migrate(postgres.url)
  const pool = openPool(postgres.url)
  cleanup.defer(() => pool.end())

  const authority = await createAuthority()
  const receivers = await openReceivers(await authority.issue({ names: [addressOf('receivers')] }))
  cleanup.defer(receivers.close)
  for (const id of STREAMS) {
    const endpoint = { endpoint_url: endpointOf(id), allowed_networks: [SUBNET], ca_certificates: authority.cert }
    await addStream(pool, { id, ...endpoint, ...PATIENCE, unproven: true })
  }

  const settings = { DATABASE_URL: postgres.url }
  const workers = WORKER_HOSTS.map((host) => startWorker(host, settings))
  for (const { stop } of workers) cleanup.defer(async () => void (await stop()))
  const producer = await startProducer(pool, STREAMS)
  cleanup.defer(producer.stop)
  return { pool, producer, receivers, workers }
}
