import { Pool } from 'pg'
import { sessionOf } from './session.ts'

/** A pool for something that comes to an end. A lost connection is reported by the statement under way, not by the pool. */
export function openCommandPool(
  databaseUrl: string,
  { name, max }: { readonly name: string; readonly max: number },
): Pool {
  const pool = new Pool({
    ...sessionOf(databaseUrl),
    application_name: name,
    connectionTimeoutMillis: 10_000,
    max,
  })
  pool.on('error', () => undefined)
  pool.on('connect', (client) => void client.on('error', () => undefined))
  return pool
}
