import { expect } from 'vitest'
import { test } from '../empty-database.ts'
import { finished, runCommand, runJson, spawnCommand } from './command.ts'

test('migrate names what it applied, one to a line, and nothing the next time', async ({ empty }) => {
  const first = await finished(spawnCommand(['migrate'], { DATABASE_URL: empty.url }))
  expect(first).toMatchObject({ code: 0, stderr: expect.stringMatching(/^\d+ migrations applied\n$/) })
  expect(first.stdout).toMatch(/^graphile-worker 000001\n(.+\n)+0001_create_streams\n(.+\n)+$/)
  expect(await runCommand(['migrate'], { DATABASE_URL: empty.url })).toEqual({
    code: 0,
    stdout: '',
    stderr: 'nothing to do\n',
  })
  expect(await runJson(['migrate'], { DATABASE_URL: empty.url })).toEqual({ applied: [], granted: [] })
})

test('migrate --print writes SQL and needs no database', async ({ empty }) => {
  const { code, stdout, stderr } = await finished(spawnCommand(['migrate', '--print'], {}))
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  await empty.pool.query(stdout)
  expect(await runJson(['migrate'], { DATABASE_URL: empty.url })).toEqual({ applied: [], granted: [] })
})
