import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { openPool } from '../support/database.ts'
import { databaseUrl } from '../support/template.ts'
import { test as base } from '../support/test.ts'

/** The tests' `test`, with a database of the test's own that nobody has migrated. */
export const test = base.extend('empty', async ({ admin }, { onCleanup }) => {
  const template = inject('template')
  const name = `${template.name}_empty_${randomBytes(4).toString('hex')}`
  await admin.query(`create database ${name}`)
  const url = databaseUrl(template.adminUrl, name)
  const pool = openPool(url)
  onCleanup(async () => {
    await pool.end()
    await admin.query(`drop database ${name}`)
  })
  return { url, pool, name }
})
