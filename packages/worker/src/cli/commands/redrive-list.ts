import type { Command } from 'commander'
import { readConnectionConfig } from '../../config.ts'
import { wholeNumber } from '../argument.ts'
import { withDatabase } from '../database.ts'
import { printJson } from '../json.ts'
import { listRedrives, type RedriveProgress } from '../queries/redrives.ts'
import { describeFilter } from '../redrive-progress.ts'
import { formatTable, formatTime } from '../table.ts'
import { type Terminal, terminalOf } from '../terminal.ts'
import type { World } from '../world.ts'

interface RedriveListOptions {
  readonly limit: number
  readonly json?: true
}

const HELP = `
The latest first. LEFT: still to be released. WAITING, ACCEPTED, DEAD AGAIN:
what became of what was released.

Examples:
  $ risc-worker redrive list
  $ risc-worker redrive list --json | jq '.redrives[] | {id, state, remaining}'
`

export function addRedriveListCommand(redrive: Command, world: World): void {
  redrive
    .command('list')
    .description('show the redrives and how far they are')
    .option('--limit <n>', 'how many at most', wholeNumber(1, 1000), 20)
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((options: RedriveListOptions) => list(options, world))
}

async function list({ limit, json }: RedriveListOptions, world: World): Promise<void> {
  const { databaseUrl } = readConnectionConfig(world.env)
  const redrives = await withDatabase(databaseUrl, (db) => listRedrives(db, { limit }))
  if (json) printJson(world.stdout, { redrives })
  else if (redrives.length > 0) world.stdout.write(formatRedrives(redrives, terminalOf(world)))
  else world.stderr.write('nothing\n')
}

function formatRedrives(redrives: readonly RedriveProgress[], terminal: Terminal): string {
  return formatTable(
    ['ID', 'STATE', 'TOTAL', 'LEFT', 'RELEASED', 'WAITING', 'ACCEPTED', 'DEAD AGAIN', 'BEGUN', 'BY', 'DEAD LETTERS'],
    redrives.map((redrive) => [
      redrive.id,
      redrive.state,
      redrive.total,
      redrive.remaining,
      redrive.released,
      redrive.waiting,
      redrive.accepted,
      redrive.dead_again,
      formatTime(redrive.created_at),
      redrive.created_by,
      describeFilter(redrive),
    ]),
    { terminal, cut: ['BY', 'DEAD LETTERS'] },
  )
}
