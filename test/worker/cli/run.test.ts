import { createInterface } from 'node:readline'
import { startPostgres } from 'example-local-postgres'
import { migrate } from 'risc-worker'
import { expect } from 'vitest'
import { openPool } from '../../support/database.ts'
import { test } from '../../support/test.ts'
import { addDeliveries, addStream } from '../rows.ts'
import { type CommandProcess, finished, runCommand, spawnCommand } from './command.ts'

const SETTINGS = { RISC_ALLOW_LOOPBACK: 'true', RISC_CONCURRENCY: '20', RISC_WORKER_NAME: 'eu-1' }

/** Resolves with the first line of the log that says so. */
async function logged(child: CommandProcess, message: string): Promise<Record<string, unknown>> {
  for await (const line of createInterface({ input: child.stdout })) {
    const entry = JSON.parse(line)
    if (entry.msg === message) return entry
  }
  throw new Error(`the log ended without "${message}"`)
}

test('run delivers what is owed until SIGTERM, then exits 0 and leaves nothing in flight', async ({
  database,
  receiver,
}) => {
  const partner = await receiver()
  await addStream(database.pool, { id: 'a', endpoint_url: partner.url })
  await addDeliveries(database.pool, 'a', 3)
  const child = spawnCommand(['run'], { ...SETTINGS, DATABASE_URL: database.url })
  const result = finished(child)
  await partner.received(3)
  child.kill('SIGTERM')
  const { code, stdout, stderr } = await result
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const { rows } = await database.query(
    `select (select count(*)::integer from risc.history) as accepted, (select count(*)::integer from risc.inflight) as in_flight,
       (select count(*)::integer from risc.workers) as workers`,
  )
  expect(rows).toEqual([{ accepted: 3, in_flight: 0, workers: 0 }])
  const log = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(log).toContainEqual(expect.objectContaining({ worker: 'eu-1', msg: 'worker started' }))
  expect(stdout).not.toContain('head.') // as the SETs of addDeliveries begin
})

test('a second signal exits 1 at once, whatever is in flight', async ({ database, receiver }) => {
  const partner = await receiver(() => 'hang')
  await addStream(database.pool, { id: 'a', endpoint_url: partner.url, timeout_ms: 60_000 })
  await addDeliveries(database.pool, 'a')
  const child = spawnCommand(['run'], { ...SETTINGS, DATABASE_URL: database.url, RISC_SHUTDOWN_SECONDS: '3600' })
  const exited = new Promise((resolve) => child.once('exit', (code) => resolve(code)))
  const stopping = logged(child, 'stopping')
  await partner.received(1)
  child.kill('SIGTERM')
  expect(await stopping).toMatchObject({ signal: 'SIGTERM' })
  child.kill('SIGINT')
  expect(await exited).toBe(1)
})

test('a worker that is stopped while the database is away ends all the same, and exits 1', async ({ receiver }) => {
  const postgres = await startPostgres({ settings: { fsync: 'off' } })
  const pool = openPool(postgres.url)
  try {
    await migrate(postgres.url)
    const partner = await receiver(() => ({ status: 202, delayMs: 500 }))
    await addStream(pool, { id: 'a', endpoint_url: partner.url })
    await addDeliveries(pool, 'a')
    const env = { ...SETTINGS, DATABASE_URL: postgres.url, RISC_SHUTDOWN_SECONDS: '1' }
    const child = spawnCommand(['run'], env)
    const result = finished(child)
    await partner.received(1)
    await postgres.stop()
    child.kill('SIGTERM')
    expect(await result).toMatchObject({ code: 1, stderr: expect.stringContaining('the database cannot be reached') })
  } finally {
    await pool.end()
    await postgres.stop()
  }
})

test('what a killed worker held goes on elsewhere', async ({ database, receiver }) => {
  await database.query(`create or replace function risc.worker_ttl() returns interval return interval '4 seconds'`)
  await database.query(
    `create or replace function risc.server_started_at() returns timestamptz return now() - interval '1 hour'`,
  )
  const partner = await receiver((_, n) => (n <= 5 ? 'hang' : { status: 202 }))
  await addStream(database.pool, { id: 'a', endpoint_url: partner.url, timeout_ms: 60_000 })
  await addDeliveries(database.pool, 'a', 5)
  const env = { ...SETTINGS, DATABASE_URL: database.url }
  const killed = spawnCommand(['run'], env)
  await partner.received(5)
  killed.kill('SIGKILL')
  const other = spawnCommand(['run'], env)
  const result = finished(other)
  const bodies = (await partner.received(10)).map(({ body }) => body)
  expect(bodies.slice(5).sort()).toEqual(bodies.slice(0, 5).sort())
  other.kill('SIGTERM')
  expect(await result).toMatchObject({ code: 0 })
  expect((await database.query('select from risc.history')).rowCount).toBe(5)
})

/** Makes the process reject a promise that nobody handles, after it has started. */
function withRejection(stack: string): Record<string, string> {
  const code = `setTimeout(() => { const e = new Error('lost'); e.stack = ${JSON.stringify(stack)}; Promise.reject(e) }, 1000)`
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` }
}

test('a rejection that graphile-worker leaves unhandled is logged and survived', async ({ database }) => {
  const stack = 'Error: lost\n    at LocalQueue.release (/app/node_modules/graphile-worker/dist/localQueue.js:675:1)'
  const child = spawnCommand(['run'], { ...SETTINGS, DATABASE_URL: database.url, ...withRejection(stack) })
  const exited = new Promise((resolve) => child.once('exit', (code) => resolve(code)))
  expect(await logged(child, 'graphile-worker left a failed statement unhandled')).toMatchObject({ level: 40 })
  child.kill('SIGTERM')
  expect(await exited).toBe(0)
})

test('a rejection of anybody else ends the process', async ({ database }) => {
  const stack = 'Error: lost\n    at deliver (/app/dist/deliver.js:1:1)'
  const child = spawnCommand(['run'], { ...SETTINGS, DATABASE_URL: database.url, ...withRejection(stack) })
  const { code, stderr } = await finished(child)
  expect(code).toBe(1)
  expect(stderr).toContain('at deliver')
})

test('a worker that is not named is called after its host and process', async ({ database }) => {
  let log = ''
  const stdout = { write: (text: string) => (log += text) }
  const stopAtOnce = (listener: (signal: string) => void) => listener('SIGTERM')
  const env = { DATABASE_URL: database.url }
  expect(await runCommand(['run'], env, { stdout, onSignal: stopAtOnce })).toMatchObject({ code: 0, stderr: '' })
  expect(log).toContain('host-1:42')
})
