import { startPostgres } from 'example-local-postgres'
import { Client } from 'pg'
import { migrate } from 'risc-worker'
import { GATES } from './gates.ts'

/** A PostgreSQL of the test's own, which can be crashed and started again, with a migrated database. */
export interface Cluster {
  /** For a superuser. */
  readonly url: string
  /** For the owner of the database, who is as limited as in production: the workers' role. */
  readonly workerUrl: string
  halt(mode: 'fast' | 'immediate'): Promise<void>
  resume(): Promise<void>
  /** Takes the server down for good, and its data with it. */
  close(): Promise<void>
}

export const WORKER_ROLE = 'fleet'
const DATABASE = 'faults'

/** What is acknowledged has to outlive a crash, so nothing is traded for speed here. */
const SETTINGS = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on', max_connections: '100' }

export async function openCluster(): Promise<Cluster> {
  const postgres = await startPostgres({ settings: SETTINGS, durable: true })
  try {
    const url = new URL(postgres.url)
    const workerUrl = new URL(postgres.url)
    workerUrl.username = WORKER_ROLE
    await query(url.href, `create role ${WORKER_ROLE} login password '${url.password}'`)
    await query(url.href, `create database ${DATABASE} owner ${WORKER_ROLE}`)
    for (const each of [url, workerUrl]) each.pathname = DATABASE
    await migrate(workerUrl.href)
    await query(workerUrl.href, GATES)

    let halted = false
    return {
      url: url.href,
      workerUrl: workerUrl.href,
      async halt(mode) {
        halted = true
        await postgres.halt(mode)
      },
      async resume() {
        if (halted) await postgres.resume()
        halted = false
      },
      close: postgres.stop,
    }
  } catch (error) {
    await postgres.stop()
    throw error
  }
}

async function query(url: string, text: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}
