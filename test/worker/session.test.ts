import { Pool } from 'pg'
import { expect } from 'vitest'
import { openCommandPool } from '../../packages/worker/src/command-pool.ts'
import { openPool } from '../../packages/worker/src/pool.ts'
import { test } from '../support/test.ts'

/** The name of a session, and what a server that quotes the values of failed statements says of it. */
async function fail(pool: Pool): Promise<unknown> {
  const { rows } = await pool.query("select current_setting('application_name') as name")
  const error: unknown = await pool.query('select 1 / (length($1) - 7)', ['hunter2']).catch((reason) => reason)
  await pool.end()
  return { ...rows[0], code: (error as { code: string }).code, where: (error as { where?: string }).where }
}

test('no session of a worker or a command has the server log the values of a statement that fails', async ({
  database: { url },
}) => {
  const quoting = `${url}?options=-c%20log_parameter_max_length_on_error%3D-1`
  const worker = openPool(quoting, { max: 1, name: 'worker', durable: true })
  const command = openCommandPool(quoting, { max: 1, name: 'command' })
  const failed = { code: '22012', where: undefined }
  expect(await fail(worker)).toEqual({ name: 'worker', ...failed })
  expect(await fail(command)).toEqual({ name: 'command', ...failed })
  const talkative = await fail(new Pool({ connectionString: quoting }))
  expect(talkative).toHaveProperty('where', expect.stringContaining('hunter2'))
})
