import type { Command } from 'commander'
import { readConnectionConfig } from '../../config.ts'
import { withDatabase } from '../database.ts'
import { printJson } from '../json.ts'
import { type KeyUsage, listKeys } from '../queries/keys.ts'
import { formatTable, formatTime } from '../table.ts'
import { type Terminal, terminalOf } from '../terminal.ts'
import type { World } from '../world.ts'
import { addRecentOption } from './key-recent.ts'

interface KeyListOptions {
  readonly recent: number
  readonly json?: true
}

const HELP = `
A key stays published while SETs that it signed are unsettled, dead (a retry would send them) or accepted so recently that
a receiver may verify them again. NEEDED UNTIL leaves out dead letters, which wait for somebody.

Examples:
  $ risc-worker key list
  $ risc-worker key list --json | jq '.keys[] | select(.in_use_again) | .kid'
`

export function addKeyListCommand(key: Command, world: World): void {
  addRecentOption(key.command('list'))
    .description('show what depends on each signing key')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((options: KeyListOptions) => listAll(options, world))
}

async function listAll({ recent, json }: KeyListOptions, world: World): Promise<void> {
  const { databaseUrl } = readConnectionConfig(world.env)
  const keys = await withDatabase(databaseUrl, (db) => listKeys(db, recent))
  if (json) {
    printJson(world.stdout, { keys })
    return
  }
  if (keys.length > 0) world.stdout.write(formatKeys(keys, terminalOf(world)))
  else world.stderr.write('nothing depends on any key\n')
  for (const { kid } of keys.filter(({ in_use_again }) => in_use_again)) {
    world.stderr.write(`key ${kid} is retired and in use again: publish it, and look who signs with it\n`)
  }
}

function formatKeys(keys: readonly KeyUsage[], terminal: Terminal): string {
  return formatTable(
    ['KID', 'UNSETTLED', 'DEAD', 'ACCEPTED RECENTLY', 'NEEDED UNTIL', 'RETIRED'],
    keys.map((key) => [
      key.kid,
      key.unsettled,
      key.dead,
      key.accepted_recently,
      formatTime(key.needed_until),
      key.in_use_again ? `${formatTime(key.retired_at)}, in use again` : formatTime(key.retired_at),
    ]),
    { terminal },
  )
}
