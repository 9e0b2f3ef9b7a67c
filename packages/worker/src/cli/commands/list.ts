import { type Command, Option } from 'commander'
import { readConnectionConfig } from '../../config.ts'
import { wholeNumber } from '../argument.ts'
import { withDatabase } from '../database.ts'
import { formatSpan } from '../duration.ts'
import { printJson } from '../json.ts'
import { type DeadDelivery, listDead, listPending, type PendingDelivery } from '../queries/deliveries.ts'
import { requireStream } from '../require-stream.ts'
import { formatTable, formatTime } from '../table.ts'
import { type Terminal, terminalOf } from '../terminal.ts'
import type { World } from '../world.ts'

interface ListOptions {
  readonly stream?: string
  readonly state?: 'queued' | 'dispatched' | 'dead'
  readonly limit: number
  readonly json?: true
}

/** What a narrow terminal shows the beginning of; the columns to the right it leaves out. */
const CUT = ['STREAM', 'EVENT', 'LAST ANSWER']

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

  function show<Delivery>(
    found: readonly Delivery[],
    format: (deliveries: readonly Delivery[], terminal: Terminal) => string,
  ): void {
    const deliveries = found.slice(0, limit)
    const more = found.length > limit
    if (json) {
      printJson(world.stdout, { deliveries, more })
      return
    }
    if (deliveries.length > 0) world.stdout.write(format(deliveries, terminalOf(world)))
    if (deliveries.length === 0) world.stderr.write('nothing\n')
    if (more) world.stderr.write(`only the first ${limit}: --limit shows more\n`)
  }
}

function formatPending(deliveries: readonly PendingDelivery[], terminal: Terminal): string {
  return formatTable(
    ['JTI', 'STREAM', 'EVENT', 'STATE', 'DUE', 'LAST ANSWER', 'ATTEMPTS'],
    deliveries.map((delivery) => [
      delivery.jti,
      delivery.stream_id,
      shortEvent(delivery.event_type),
      delivery.state,
      formatDue(delivery),
      answer(delivery.last_status, delivery.last_reason, delivery.last_description),
      delivery.attempts,
    ]),
    { terminal, cut: CUT },
  )
}

function formatDead(deliveries: readonly DeadDelivery[], terminal: Terminal): string {
  return formatTable(
    ['JTI', 'STREAM', 'EVENT', 'BECAUSE', 'LAST ANSWER', 'ATTEMPTS', 'DIED'],
    deliveries.map((delivery) => [
      delivery.jti,
      delivery.stream_id,
      shortEvent(delivery.event_type),
      delivery.dead_because,
      answer(delivery.status, delivery.reason, delivery.description),
      delivery.attempts,
      formatTime(delivery.dead_at),
    ]),
    { terminal, cut: CUT },
  )
}

/** The age is by the database's clock, and so is what is left. */
function formatDue({ due_at, created_at, age_seconds }: PendingDelivery): string {
  const inMs = due_at.getTime() - created_at.getTime() - age_seconds * 1000
  return inMs > 0 ? `in ${formatSpan(inMs)}` : `${formatSpan(-inMs)} ago`
}

/** A table has room for the last segment of an event's URI; --json has all of it. */
function shortEvent(uri: string): string {
  return uri.slice(uri.lastIndexOf('/') + 1)
}

function answer(...parts: readonly (string | number | null)[]): string {
  return parts.filter((part) => part !== null).join(' ') || '-'
}
