import type { Command } from 'commander'
import { readConnectionConfig } from '../../config.ts'
import { duration } from '../argument.ts'
import { MisuseError } from '../command-error.ts'
import { withDatabase } from '../database.ts'
import { printJson } from '../json.ts'
import { countDeliveries } from '../queries/health.ts'
import { byTrouble, describeRest, isAtRest } from '../status/condition.ts'
import { glance } from '../status/glance.ts'
import { type Report, report, type StreamReport } from '../status/report.ts'
import { formatStreams, formatWorkers } from '../status/tables.ts'
import { watchStatus } from '../status/watch.ts'
import { type Terminal, terminalOf } from '../terminal.ts'
import type { World } from '../world.ts'

interface StatusOptions {
  readonly watch?: true
  readonly interval?: number
  readonly all?: true
  readonly json?: true
}

const EVERY_MS = 1000
const LEAST_EVERY_MS = 100

/** Headings, blank lines, the totals, and the prompt that follows. */
const LINES_BESIDE = 6

const HELP = `
One line per stream, those in trouble first, and one per live worker. STATUS: its own, or held while its breaker is open:
after failures a stream is only tried from time to time. WINDOW: how many are dispatched, of how many at most. LAG: for how
long the oldest has been due. LAST MINUTE: what was accepted in it, ACC/S: per second of late.

On a terminal that is too low for all streams those that are well are only counted.

--watch shows it live until q or Ctrl-C, with each stream's last minute as a picture. It outlives outages of the database,
and is cheap whatever waits; where much does, it says how old the counts are. With --json it prints a line each time.

Examples:
  $ risc-worker status
  $ risc-worker status --watch --interval 5s
  $ risc-worker status --json | jq '.streams[] | select(.dead > 0) | .stream_id'
`

export function addStatusCommand(program: Command, world: World): void {
  program
    .command('status')
    .description('show the streams and the workers')
    .option('--watch', 'show it live')
    .option('--interval <duration>', 'how often --watch looks (default: 1s)', duration(1))
    .option('--all', 'show all streams, also on a terminal that is too low')
    .option('--json', 'print one JSON document, or with --watch one a line')
    .addHelpText('after', HELP)
    .action((options: StatusOptions) => status(options, world))
}

async function status(options: StatusOptions, world: World): Promise<void> {
  const problem = misuse(options, world)
  if (problem !== undefined) throw new MisuseError(problem)
  const { watch, interval, all, json } = options
  const { databaseUrl } = readConnectionConfig(world.env)
  if (watch) return watchStatus({ databaseUrl, everyMs: interval ?? EVERY_MS, json: json === true }, world)
  const now = await withDatabase(databaseUrl, async (db) => report(await glance(db), await countDeliveries(db)))
  if (json) printJson(world.stdout, { ...now })
  else print(now, all === true, world)
}

function misuse({ watch, interval, all, json }: StatusOptions, { stdout, env }: World): string | undefined {
  if (!watch) return interval === undefined ? undefined : '--interval goes with --watch'
  if (all) return '--watch shows as many streams as there is room for: leave out --all'
  if (interval !== undefined && interval < LEAST_EVERY_MS) return `--interval must be at least ${LEAST_EVERY_MS}ms`
  if (json || (stdout.isTTY && env['TERM'] !== 'dumb')) return undefined
  return '--watch needs a terminal; --watch --json prints a line each time'
}

function print({ streams, workers, totals }: Report, all: boolean, world: World): void {
  const terminal = terminalOf(world)
  const worstFirst = byTrouble(streams)
  const shown = all ? worstFirst : worstFirst.slice(0, howManyToShow(worstFirst, workers.length, terminal))
  const rest = worstFirst.slice(shown.length)
  const table = formatStreams(shown, terminal, {
    head: ['LAST MINUTE'],
    cells: (stream) => [stream.accepted_last_minute],
  })
  world.stdout.write(
    [
      ...(streams.length > 0 ? [rest.length > 0 ? `${table}${describeRest(rest)}; --all shows them\n` : table] : []),
      ...(workers.length > 0 ? [formatWorkers(workers, terminal)] : []),
      `${totals.queued} queued, ${totals.dispatched} dispatched, ${totals.dead} dead; ${totals.slots} slots in all\n`,
    ].join('\n'),
  )
  if (streams.length === 0) world.stderr.write('no stream yet: add one with `risc-worker stream add`\n')
  if (workers.length === 0) world.stderr.write('no worker is alive: start one with `risc-worker run`\n')
}

/** Whatever is in trouble, and of the others as many as the terminal has lines for beside the rest. */
function howManyToShow(worstFirst: readonly StreamReport[], workers: number, { rows }: Terminal): number {
  const room = (rows ?? Number.POSITIVE_INFINITY) - workers - LINES_BESIDE
  if (worstFirst.length <= room) return worstFirst.length
  return Math.max(room - 1, worstFirst.filter((stream) => !isAtRest(stream)).length)
}
