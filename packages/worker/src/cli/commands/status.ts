import type { Command } from 'commander'
import { readConnectionConfig } from '../../config.ts'
import { withDatabase } from '../database.ts'
import { formatSpan } from '../duration.ts'
import { printJson } from '../json.ts'
import { readStreamHealth, type StreamHealth } from '../queries/health.ts'
import { type LiveWorker, readLiveWorkers } from '../queries/workers.ts'
import { formatTable } from '../table.ts'
import type { World } from '../world.ts'

interface StatusOptions {
  readonly json?: true
}

const HELP = `
One line per stream with what waits for it. STATUS: its own, or why nothing is sent for now: after failures a stream is
only tried from time to time (WINDOW: how many may be dispatched at a time; LAG: how long the oldest has
been due), and one per live worker.

Examples:
  $ risc-worker status
  $ risc-worker status --json | jq '.streams[] | select(.dead > 0) | .stream_id'
`

export function addStatusCommand(program: Command, world: World): void {
  program
    .command('status')
    .description('show the streams and the workers')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((options: StatusOptions) => status(options, world))
}

async function status({ json }: StatusOptions, world: World): Promise<void> {
  const { databaseUrl } = readConnectionConfig(world.env)
  const [streams, workers] = await withDatabase(databaseUrl, async (db) => [
    await readStreamHealth(db),
    await readLiveWorkers(db),
  ])
  const totals = {
    streams: streams.length,
    queued: sum(streams, 'queued'),
    dispatched: sum(streams, 'dispatched'),
    dead: sum(streams, 'dead'),
    workers: workers.length,
    slots: sum(workers, 'slots'),
  }
  if (json) {
    printJson(world.stdout, { streams, workers, totals })
    return
  }
  world.stdout.write(
    [
      ...(streams.length > 0 ? [formatStreams(streams)] : []),
      ...(workers.length > 0 ? [formatWorkers(workers)] : []),
      `${totals.queued} queued, ${totals.dispatched} dispatched, ${totals.dead} dead; ${totals.slots} slots in all\n`,
    ].join('\n'),
  )
  if (streams.length === 0) world.stderr.write('no stream yet: add one with `risc-worker stream add`\n')
  if (workers.length === 0) world.stderr.write('no worker is alive: start one with `risc-worker run`\n')
}

function formatStreams(streams: readonly StreamHealth[]): string {
  return formatTable(
    ['STREAM', 'STATUS', 'QUEUED', 'DISPATCHED', 'WINDOW', 'DEAD', 'LAG'],
    streams.map((stream) => [
      stream.stream_id,
      describeStatus(stream),
      stream.queued,
      stream.dispatched,
      stream.max_in_flight,
      stream.dead,
      formatSpan(stream.lag_seconds * 1000),
    ]),
  )
}

function describeStatus({ status, status_reason, breaker_open_because }: StreamHealth): string {
  if (status_reason !== null) return `${status} (${status_reason})`
  return status === 'enabled' && breaker_open_because !== null ? `held (${breaker_open_because})` : status
}

function formatWorkers(workers: readonly LiveWorker[]): string {
  return formatTable(
    ['WORKER', 'SLOTS', 'IN FLIGHT', 'LAST BEAT'],
    workers.map((worker) => [
      worker.name,
      worker.slots,
      worker.in_flight,
      `${formatSpan(worker.beat_age_seconds * 1000)} ago`,
    ]),
  )
}

function sum<Key extends string>(rows: readonly Readonly<Record<Key, number>>[], key: Key): number {
  return rows.reduce((total, row) => total + row[key], 0)
}
