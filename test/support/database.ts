import { randomBytes } from 'node:crypto'
import { Pool, type QueryResult, type QueryResultRow } from 'pg'
import { databaseUrl, type Template } from './template.ts'

/** A migrated database that one test has for itself. */
export interface TestDatabase {
  readonly url: string
  readonly pool: Pool
  /** As the pool's own. */
  query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>>
}

/** Copies the template. `drop` fails while anybody but `pool` is still connected: a test has to stop what it starts. */
export async function createDatabase(
  admin: Pool,
  template: Template,
): Promise<{ database: TestDatabase; drop: () => Promise<void> }> {
  const name = `${template.name}_${randomBytes(6).toString('hex')}`
  await admin.query(`create database ${name} template ${template.name}`)
  const url = databaseUrl(template.adminUrl, name)
  const pool = openPool(url)
  return {
    database: { url, pool, query: (text, values) => pool.query(text, values && [...values]) },
    async drop() {
      await pool.end()
      // Without force, which would cut off connections that are just closing, and crash the test run with their errors;
      // the server waits for those itself.
      await admin.query(`drop database ${name}`)
    },
  }
}

/** A pool that outlives the connections a test cuts off. */
export function openPool(connectionString: string, max = 10): Pool {
  const pool = new Pool({ connectionString, max })
  pool.on('error', () => undefined)
  return pool
}
