import type { Command } from 'commander'
import { pino } from 'pino'
import { readConfig } from '../../config.ts'
import { startWorker } from '../../worker.ts'
import { isFromGraphileWorker } from '../seat-belt.ts'
import type { World } from '../world.ts'

const HELP = `
Logs JSON lines to stdout. SIGTERM or SIGINT: claims nothing more, finishes what is in flight, hands the rest back and
exits 0; a second signal exits 1 at once, and other workers take over within 30 s.

Examples:
  $ DATABASE_URL=postgres://risc@db.example/idp risc-worker run
  $ RISC_CONCURRENCY=500 RISC_WORKER_NAME=eu-1 risc-worker run
`

export function addRunCommand(program: Command, world: World): void {
  program
    .command('run')
    .description('deliver what the outbox owes until told to stop')
    .addHelpText('after', HELP)
    .action(() => run(world))
}

async function run(world: World): Promise<void> {
  const config = readConfig(world.env, { name: `${world.hostname}:${world.pid}` })
  const log = pino({ level: config.logLevel }, world.stdout)
  world.onUnhandledRejection((reason) => {
    if (!isFromGraphileWorker(reason)) throw reason
    log.warn('graphile-worker left a failed statement unhandled')
  })

  const worker = startWorker(config, { log })
  let signals = 0
  world.onSignal((signal) => {
    signals++
    if (signals > 1) return world.exit(1)
    log.info({ signal }, 'stopping')
    worker.stop().catch(() => undefined) // told by `stopped`
  })
  await worker.stopped
}
