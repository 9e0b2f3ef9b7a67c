import { Pool } from 'pg'

const MOST_CONNECTIONS = 20

/** A pool that may be ended just before its server is: the server may end a connection that it has not read the end of. */
export function openPool(databaseUrl: string): Pool {
  return new Pool({ connectionString: databaseUrl, max: MOST_CONNECTIONS }).on('error', () => undefined)
}
