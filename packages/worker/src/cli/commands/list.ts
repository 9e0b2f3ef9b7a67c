import { type Command, Option } from 'commander'
import { readConnectionConfig } from '../../config.ts'
import { wholeNumber } from '../argument.ts'
import { withDatabase } from '../database.ts'
import { printJson } from '../json.ts'
import { type DeadDelivery, listDead, listPending, type PendingDelivery } from '../queries/deliveries.ts'
import { requireStream } from '../require-stream.ts'
import { shortEvent } from '../short-event.ts'
import { formatTable, formatTime } from '../table.ts'
import type { World } from '../world.ts'

interface ListOptions {
  readonly stream?: string
  readonly state?: 'queued' | 'dispatched' | 'dead'
  readonly limit: number
  readonly json?: true
}

const HELP = `
Without --state, shows what is to be sent, the soonest due first. --state dead shows the dead letters, the latest first.

Examples:
  $ risc-worker list --stream partner-a
  $ risc-worker list --state dead --limit 10
  $ risc-worker list --state dead --json | jq -r '.deliveries[].jti'
`

export function addListCommand(program: Command, world: World): void {
  program
    .command('list')
    .description('show deliveries that are not settled')
    .option('--stream <id>', 'only of this stream')
    .addOption(new Option('--state <state>', 'only in this state').choices(['queued', 'dispatched', 'dead']))
    .option('--limit <n>', 'how many at most', wholeNumber(1, 100_000), 50)
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((options: ListOptions) => list(options, world))
}

async function list({ stream, state, limit, json }: ListOptions, world: World): Promise<void> {
  const { databaseUrl } = readConnectionConfig(world.env)
  await withDatabase(databaseUrl, async (db) => {
    if (stream !== undefined) await requireStream(db, stream)
    const filter = { streamId: stream, limit: limit + 1 } // one more tells whether there are more
    if (state === 'dead') show(await listDead(db, filter), formatDead)
    else show(await listPending(db, { ...filter, state }), formatPending)
  })

  function show<Delivery>(found: readonly Delivery[], format: (deliveries: readonly Delivery[]) => string): void {
    const deliveries = found.slice(0, limit)
    const more = found.length > limit
    if (json) {
      printJson(world.stdout, { deliveries, more })
      return
    }
    if (deliveries.length > 0) world.stdout.write(format(deliveries))
    if (deliveries.length === 0) world.stderr.write('nothing\n')
    if (more) world.stderr.write(`only the first ${limit}: --limit shows more\n`)
  }
}

function formatPending(deliveries: readonly PendingDelivery[]): string {
  return formatTable(
    ['JTI', 'STREAM', 'EVENT', 'STATE', 'ATTEMPTS', 'DUE', 'LAST ANSWER'],
    deliveries.map((delivery) => [
      delivery.jti,
      delivery.stream_id,
      shortEvent(delivery.event_type),
      delivery.state,
      delivery.attempts,
      formatTime(delivery.due_at),
      answer(delivery.last_status, delivery.last_reason, delivery.last_description),
    ]),
  )
}

function formatDead(deliveries: readonly DeadDelivery[]): string {
  return formatTable(
    ['JTI', 'STREAM', 'EVENT', 'ATTEMPTS', 'DIED', 'BECAUSE', 'LAST ANSWER'],
    deliveries.map((delivery) => [
      delivery.jti,
      delivery.stream_id,
      shortEvent(delivery.event_type),
      delivery.attempts,
      formatTime(delivery.dead_at),
      delivery.dead_because,
      answer(delivery.status, delivery.reason, delivery.description),
    ]),
  )
}

function answer(...parts: readonly (string | number | null)[]): string {
  return parts.filter((part) => part !== null).join(' ') || '-'
}
