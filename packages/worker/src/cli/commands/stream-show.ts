import type { Command } from 'commander'
import { readConnectionConfig } from '../../config.ts'
import { withDatabase } from '../database.ts'
import { printJson } from '../json.ts'
import { countOwed, type Owed, readStreamFlow, type StreamFlow } from '../queries/stream-state.ts'
import { readStream, type Stream } from '../queries/streams.ts'
import { requireStream } from '../require-stream.ts'
import { describeSettings } from '../stream-text.ts'
import { formatTable, formatTime } from '../table.ts'
import type { World } from '../world.ts'

interface StreamShowOptions {
  readonly json?: true
}

const HELP = `
Settings are named as stream set takes them. Tells whether the stream has a credential, never which.

Examples:
  $ risc-worker stream show partner-a
  $ risc-worker stream show partner-a --json | jq .flow
`

export function addStreamShowCommand(stream: Command, world: World): void {
  stream
    .command('show')
    .description('show one stream: its settings, its status, and how its receiver does')
    .argument('<id>', 'the stream')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((id: string, options: StreamShowOptions) => show(id, options, world))
}

async function show(id: string, { json }: StreamShowOptions, world: World): Promise<void> {
  const { databaseUrl } = readConnectionConfig(world.env)
  const [stream, flow, owed] = await withDatabase(databaseUrl, async (db) => {
    await requireStream(db, id)
    return [await readStream(db, id), await readStreamFlow(db, id), await countOwed(db, id)]
  })
  if (json) printJson(world.stdout, { stream, flow, owed })
  else world.stdout.write(`${formatSettings(stream)}\n${formatState(stream, flow, owed)}`)
}

function formatSettings(stream: Stream): string {
  return formatTable(['SETTING', stream.id], Object.entries(describeSettings(stream)))
}

function formatState(stream: Stream, flow: StreamFlow, { queued, dispatched, dead }: Owed): string {
  const reason = stream.status_reason === null ? '' : ` (${stream.status_reason})`
  const by = stream.status_changed_by === null ? '' : ` by ${stream.status_changed_by}`
  return formatTable(
    ['STATE', ''],
    [
      ['status', `${stream.status}${by}${reason} since ${formatTime(stream.status_changed_at)}`],
      ['breaker', describeBreaker(flow)],
      ['window earned', `${flow.window} of ${stream.max_in_flight}`],
      ['answers', `${flow.slow ? 'slow' : 'quick'}; ${flow.failures} failed batches since the last`],
      ['rate', flow.rate_room_at === null ? 'has room' : `has room at ${formatTime(flow.rate_room_at)}`],
      ['owed', `${queued} queued, ${dispatched} dispatched, ${dead} dead`],
      ['added', formatTime(stream.created_at)],
    ],
  )
}

function describeBreaker({ breaker_open_until, breaker_open_because, breaker_closed_at }: StreamFlow): string {
  if (breaker_open_until !== null) {
    return `open (${breaker_open_because}), next probe at ${formatTime(breaker_open_until)}`
  }
  return breaker_closed_at === null ? 'closed' : `closed since ${formatTime(breaker_closed_at)}`
}
