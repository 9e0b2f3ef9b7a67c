import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { migrate } from 'risc-worker'

/** A migrated database to copy. */
export interface Template {
  /** Of the same server, for a role that may copy and drop. */
  readonly adminUrl: string
  readonly name: string
}

/** Makes the template of this run. Its copies are called `<name>_<anything>`; `remove` drops those left over too. */
export async function createTemplate(adminUrl: string): Promise<{ template: Template; remove: () => Promise<void> }> {
  const name = `risc_test_${randomBytes(4).toString('hex')}`
  const remove = () => asAdmin(adminUrl, (admin) => dropAll(admin, name))
  await asAdmin(adminUrl, (admin) => admin.query(`create database ${name}`))
  try {
    await migrate(databaseUrl(adminUrl, name))
    // A stray connection to a template would make every copy wait for it.
    await asAdmin(adminUrl, (admin) => admin.query(`alter database ${name} is_template true allow_connections false`))
  } catch (error) {
    await remove()
    throw error
  }
  return { template: { adminUrl, name }, remove }
}

/** The URL of another database of the same server. */
export function databaseUrl(adminUrl: string, name: string): string {
  const url = new URL(adminUrl)
  url.pathname = name
  return url.href
}

async function dropAll(admin: Client, name: string): Promise<void> {
  await admin.query(`alter database ${name} is_template false`)
  const { rows } = await admin.query('select datname from pg_database where starts_with(datname, $1)', [name])
  for (const { datname } of rows) await admin.query(`drop database ${datname} with (force)`)
}

async function asAdmin<Result>(adminUrl: string, work: (admin: Client) => Promise<Result>): Promise<Result> {
  const admin = new Client({ connectionString: adminUrl })
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.end()
  }
}
