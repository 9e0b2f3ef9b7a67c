import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startPostgres } from 'example-local-postgres'
import { pino } from 'pino'
import { migrate, readConfig, startWorker } from 'risc-worker'
import { openPool } from '../support/database.ts'
import { openReceiver } from '../support/receiver.ts'
import { addDeliveries, addStream } from '../worker/rows.ts'

// Gives what a worker serves, and the rules that are offered for it, to Prometheus' own checker.

const RULES = fileURLToPath(new URL('../../examples/observability', import.meta.url))

if (promtool(['--version']).error !== undefined) {
  console.log('not run here: promtool is not installed (Debian has it in the package prometheus)')
} else {
  const text = await scrapeBusyWorker()
  if (!text.includes('risc_attempts_total{')) throw new Error('the worker served no metrics')
  check('check metrics', text)
  check('check rules alerts.yml')
  check('test rules alerts.test.yml')
}

function check(command: string, input = ''): void {
  const { status, stdout, stderr } = promtool(command.split(' '), input)
  console.log(`${status === 0 ? 'ok     ' : 'FAILED '} promtool ${command}`)
  if (status === 0) return
  console.log(`${stdout}${stderr}`)
  process.exitCode = 1
}

function promtool(flags: readonly string[], input = ''): ReturnType<typeof spawnSync> {
  return spawnSync('promtool', flags, { cwd: RULES, input, encoding: 'utf8' })
}

/** What a worker shows that has met all kinds of answers. */
async function scrapeBusyWorker(): Promise<string> {
  const postgres = await startPostgres()
  const pool = openPool(postgres.url)
  const statuses = [202, 400, 401, 410, 503]
  const partner = await openReceiver(({ body }) => ({ status: Number(body.split('.')[1]?.slice(1)) }))
  try {
    await migrate(postgres.url)
    for (const status of statuses) {
      await addStream(pool, { id: `s${status}`, endpoint_url: partner.url })
      await addDeliveries(pool, `s${status}`, 3)
    }
    const { promise: port, resolve } = Promise.withResolvers<number>()
    const log = pino({ level: 'info' }, { write: (line) => resolvePort(line, resolve) })
    const env = { DATABASE_URL: postgres.url, RISC_ALLOW_LOOPBACK: 'true', RISC_HTTP_PORT: '0' }
    const worker = startWorker(readConfig(env, { name: 'checked' }), { log })
    await partner.received(statuses.length * 3)
    const response = await fetch(`http://127.0.0.1:${await port}/metrics`)
    const text = await response.text()
    await worker.stop()
    return text
  } finally {
    await pool.end()
    await partner.close()
    await postgres.stop()
  }
}

function resolvePort(line: string, resolve: (port: number) => void): void {
  const { msg, port } = JSON.parse(line)
  if (msg === 'serving health and metrics') resolve(port)
}
