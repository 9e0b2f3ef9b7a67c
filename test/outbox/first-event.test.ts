import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { test } from './idp.ts'

test('the first example of the README works as it stands', async ({ database, idp }) => {
  await idp.addStream('bank')
  await database.query('drop table users') // the example brings its own
  const keys = await runExample('new-keys.ts', {})

  const printed = await runExample('first-event.ts', { DATABASE_URL: database.url, RISC_SIGNING_KEYS: keys })

  const [row] = await idp.deliveries()
  expect(printed).toContain(row?.jti)
  expect(await idp.payloads()).toMatchObject([{ aud: 'bank', sub_id: { format: 'iss_sub', sub: '8b1a-at-bank' } }])
})

async function runExample(name: string, env: Record<string, string>): Promise<string> {
  const file = fileURLToPath(new URL(`../../examples/first-event/${name}`, import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [file], { env: { ...process.env, ...env } })
  return stdout
}
