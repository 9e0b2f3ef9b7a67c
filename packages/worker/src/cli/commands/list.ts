import { type Command, Option } from 'commander'
import { readConnectionConfig } from '../../config.ts'
import { answerText } from '../answer-text.ts'
import { wholeNumber } from '../argument.ts'
import { MisuseError } from '../command-error.ts'
import { withDatabase } from '../database.ts'
import { formatSpan } from '../duration.ts'
import { eventUri } from '../event-uri.ts'
import { printJson } from '../json.ts'
import { type Moment, moment } from '../moment.ts'
import {
  type DeadDelivery,
  listDead,
  listPending,
  listSettled,
  type PendingDelivery,
  type SettledDelivery,
} from '../queries/deliveries.ts'
import { requireStream } from '../require-stream.ts'
import { shortEvent } from '../short-event.ts'
import { formatTable, formatTime } from '../table.ts'
import { type Terminal, terminalOf } from '../terminal.ts'
import type { World } from '../world.ts'

const STATES = ['queued', 'dispatched', 'dead', 'accepted', 'discarded'] as const

interface ListOptions {
  readonly stream?: string
  readonly event?: string
  readonly state?: (typeof STATES)[number]
  readonly reason?: string
  readonly since?: Moment
  readonly until?: Moment
  readonly limit: number
  readonly json?: true
}

/** What a narrow terminal shows the beginning of; the columns to the right it leaves out. */
const CUT = ['STREAM', 'EVENT', 'LAST ANSWER', 'ANSWER']

const HELP = `
Without --state, shows what is to be sent, the soonest due first. --state dead
shows the dead letters, accepted and discarded what history has, the latest
first. --since and --until take a time or how long ago it was: when it was given
up or settled, or else enqueued. --reason: of the last attempt, of giving up
(refused, exhausted, expired) or of discarding.

Examples:
  $ risc-worker list --stream partner-a
  $ risc-worker list --state dead --event account-disabled --reason timeout
  $ risc-worker list --state accepted --since 2026-03-01T14:00:00Z --until 1h
  $ risc-worker list --state dead --since 24h --json | jq -r '.deliveries[].jti'
`

export function addListCommand(program: Command, world: World): void {
  program
    .command('list')
    .description('show deliveries')
    .option('--stream <id>', 'only of this stream')
    .option('--event <type>', 'only of this event, by its short name or URI')
    .addOption(new Option('--state <state>', 'only in this state').choices(STATES))
    .option('--reason <reason>', 'only with this reason')
    .option('--since <time>', 'only since then: 2026-03-01T14:00:00Z or 24h', moment)
    .option('--until <time>', 'only until then', moment)
    .option('--limit <n>', 'how many at most', wholeNumber(1, 100_000), 50)
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((options: ListOptions) => list(options, world))
}

async function list({ stream, event, state, limit, json, ...options }: ListOptions, world: World): Promise<void> {
  const eventType = event === undefined ? undefined : eventUri('--event', event)
  if (state === 'accepted' && options.reason !== undefined) throw new MisuseError('what is accepted has no --reason')
  const { databaseUrl } = readConnectionConfig(world.env)
  await withDatabase(databaseUrl, async (db) => {
    if (stream !== undefined) await requireStream(db, stream)
    const filter = { ...options, streamId: stream, eventType, limit: limit + 1 } // one more tells whether there are more
    switch (state) {
      case 'dead':
        return show(await listDead(db, filter), formatDead)
      case 'accepted':
      case 'discarded':
        return show(await listSettled(db, { ...filter, outcome: state }), formatSettled)
      case 'queued':
      case 'dispatched':
      case undefined:
        return show(await listPending(db, { ...filter, state }), formatPending)
      default:
        state satisfies never
    }
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
      answerText(delivery.last_status, delivery.last_reason, delivery.last_description),
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
      answerText(delivery.status, delivery.reason, delivery.description),
      delivery.attempts,
      formatTime(delivery.dead_at),
    ]),
    { terminal, cut: CUT },
  )
}

function formatSettled(deliveries: readonly SettledDelivery[], terminal: Terminal): string {
  return formatTable(
    ['JTI', 'STREAM', 'EVENT', 'OUTCOME', 'ANSWER', 'SETTLED', 'ATTEMPTS', 'CONNECTED TO'],
    deliveries.map((delivery) => [
      delivery.jti,
      delivery.stream_id,
      shortEvent(delivery.event_type),
      delivery.outcome,
      answerText(delivery.status, delivery.reason),
      formatTime(delivery.settled_at),
      delivery.attempts,
      delivery.connected_to ?? '-',
    ]),
    { terminal, cut: CUT },
  )
}

/** The age is by the database's clock, and so is what is left. */
function formatDue({ due_at, created_at, age_seconds }: PendingDelivery): string {
  const inMs = due_at.getTime() - created_at.getTime() - age_seconds * 1000
  return inMs > 0 ? `in ${formatSpan(inMs)}` : `${formatSpan(-inMs)} ago`
}
