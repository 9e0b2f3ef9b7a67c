import { startPostgres } from 'example-local-postgres'
import type { Pool } from 'pg'
import { migrate } from 'risc-worker'
import { type CountingReceiver, openCountingReceiver } from './counting-receiver.ts'
import { describePostgres } from './machine.ts'
import { openPool } from './open-pool.ts'

/** What a part has to itself: a migrated database on a server that syncs to disk, and a partner. */
export interface Site {
  readonly databaseUrl: string
  readonly pool: Pool
  readonly receiver: CountingReceiver
  readonly postgres: string
}

const SETTINGS = { max_connections: '300' }

/**
 * Does `work` on a site of its own. Takes the server of `TEST_DATABASE_URL` if there is one, which has to be empty: so
 * other versions are measured than the embedded one.
 */
export async function onSite<Result>(
  work: (site: Site) => Promise<Result>,
  settings: Readonly<Record<string, string>> = {},
): Promise<Result> {
  const given = process.env['TEST_DATABASE_URL']
  const server = given
    ? { url: given, stop: async () => undefined }
    : await startPostgres({ durable: true, settings: { ...SETTINGS, ...settings } })
  const pool = openPool(server.url)
  let receiver: CountingReceiver | undefined
  try {
    receiver = await openCountingReceiver()
    await migrate(server.url)
    return await work({ databaseUrl: server.url, pool, receiver, postgres: await describePostgres(pool) })
  } finally {
    await pool.end()
    receiver?.close()
    await server.stop()
  }
}
