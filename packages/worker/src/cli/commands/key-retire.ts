import type { Command } from 'commander'
import { readConnectionConfig } from '../../config.ts'
import { CommandFailedError } from '../command-error.ts'
import { withDatabase } from '../database.ts'
import { formatSpan } from '../duration.ts'
import { printJson } from '../json.ts'
import { type Retirement, retireKey } from '../queries/keys.ts'
import { formatTime } from '../table.ts'
import type { World } from '../world.ts'
import { addRecentOption } from './key-recent.ts'

interface KeyRetireOptions {
  readonly recent: number
  readonly json?: true
}

const HELP = `
Once it is done, the key may leave the published key set. Refused while anything depends on the key, see key list. Dead
letters are to be retried, or signed anew by the IdP (outbox.resign), which alone holds the keys.

First make sure that no process signs with the key any more. Transactions that have enqueued and are open are waited for,
5 s at most; what is signed and not yet enqueued cannot be seen.

Examples:
  $ risc-worker key retire 2026-01
  $ risc-worker key retire 2026-01 --recent 0s   # no receiver verifies again
`

export function addKeyRetireCommand(key: Command, world: World): void {
  addRecentOption(key.command('retire'))
    .description('record that a signing key is not needed any more')
    .argument('<kid>', 'the key, as the header of its SETs names it')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((kid: string, options: KeyRetireOptions) => retire(kid, options, world))
}

async function retire(kid: string, { recent, json }: KeyRetireOptions, world: World): Promise<void> {
  const { databaseUrl } = readConnectionConfig(world.env)
  const { ends, ...retirement } = await withDatabase(databaseUrl, (db) => retireKey(db, kid, recent))
  if (json) printJson(world.stdout, { kid, ...retirement })
  else if (retirement.retired) world.stdout.write(`key ${kid} retired\n`)
  if (!retirement.retired) throw new CommandFailedError(refusal(kid, { ends, ...retirement }, recent))
}

function refusal(
  kid: string,
  { unsettled, dead, accepted_recently, needed_until, ends }: Retirement,
  recentMs: number,
) {
  const reasons = [
    ...(unsettled > 0 ? [`${unsettled} unsettled`] : []),
    ...(accepted_recently > 0 ? [`${accepted_recently} accepted in the last ${formatSpan(recentMs)}`] : []),
    ...(dead > 0 ? [`${dead} dead, to be retried or re-signed first`] : []),
  ]
  const until = ends ? ` until ${formatTime(needed_until)}` : ''
  return `key ${kid} is still needed${until} by SETs that it signed: ${reasons.join('; ')}`
}
