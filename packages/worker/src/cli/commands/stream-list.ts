import type { Command } from 'commander'
import { readConnectionConfig } from '../../config.ts'
import { withDatabase } from '../database.ts'
import { printJson } from '../json.ts'
import { listStreams, type Stream } from '../queries/streams.ts'
import { STATUS_COLOURS } from '../status/tables.ts'
import { formatTable } from '../table.ts'
import { type Terminal, terminalOf } from '../terminal.ts'
import type { World } from '../world.ts'

interface StreamListOptions {
  readonly json?: true
}

const HELP = `
Tells whether a stream has a credential, never which. With --json, encryption_kid names the key of the receiver that its
SETs are encrypted to.

Examples:
  $ risc-worker stream list
  $ risc-worker stream list --json | jq '.streams[] | {id, retry_delays_ms}'
`

export function addStreamListCommand(stream: Command, world: World): void {
  stream
    .command('list')
    .description('show the streams and their settings')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((options: StreamListOptions) => listAll(options, world))
}

async function listAll({ json }: StreamListOptions, world: World): Promise<void> {
  const streams = await withDatabase(readConnectionConfig(world.env).databaseUrl, listStreams)
  if (json) printJson(world.stdout, { streams })
  else if (streams.length > 0) world.stdout.write(formatStreams(streams, terminalOf(world)))
  else world.stderr.write('no stream yet: add one with `risc-worker stream add`\n')
}

function formatStreams(streams: readonly Stream[], terminal: Terminal): string {
  return formatTable(
    ['STREAM', 'STATUS', 'ENDPOINT', 'PROFILE', 'EVENTS', 'WINDOW', 'RATE', 'AUTHORIZATION'],
    streams.map((stream) => [
      stream.id,
      { text: stream.status, colour: STATUS_COLOURS[stream.status] },
      stream.endpoint_url,
      stream.profile,
      stream.events_requested === null ? 'all' : stream.events_requested.length,
      stream.max_in_flight,
      `${stream.rate_limit}/${stream.rate_interval_seconds}s`,
      stream.has_authorization ? 'set' : 'none',
    ]),
    { terminal, cut: ['STREAM', 'ENDPOINT'] },
  )
}
