import { startPostgres } from 'example-local-postgres'
import { migrate } from 'risc-worker'
import { openPool } from '../support/database.ts'
import { test as base, createIdp } from './idp.ts'

/** `test`, with an IdP `preparing` on a server of its own: most have prepared transactions switched off. */
export const test = base.extend(
  'preparing', // biome-ignore lint/correctness/noEmptyPattern: vitest reads there what a fixture needs
  async ({}, { onCleanup }) => {
    const postgres = await startPostgres({ settings: { fsync: 'off', max_prepared_transactions: '1' } })
    const pool = openPool(postgres.url)
    onCleanup(async () => {
      await pool.end()
      await postgres.stop()
    })
    await migrate(postgres.url)
    return createIdp({ pool, url: postgres.url })
  },
)
