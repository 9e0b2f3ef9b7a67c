import type { Command } from 'commander'
import type { Kysely } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import { readConnectionConfig } from '../../config.ts'
import { wholeNumber } from '../argument.ts'
import { CommandFailedError } from '../command-error.ts'
import { withDatabase } from '../database.ts'
import { printJson } from '../json.ts'
import { operator } from '../operator.ts'
import { cancelRedrive, resumeRedrive } from '../queries/redrives.ts'
import { describeProgress } from '../redrive-progress.ts'
import { requireRedrive } from '../require-redrive.ts'
import type { World } from '../world.ts'

interface RedriveChange {
  /** The state that it is not to be in any more. */
  readonly from: 'running' | 'cancelled'
  readonly change: (db: Kysely<OutboxDatabase>, id: number, by: string) => Promise<boolean>
}

const CANCEL_HELP = `
What was released is sent; what is left stays dead, and \`redrive resume\` goes
on with it.

Examples:
  $ risc-worker redrive cancel 7
`

const RESUME_HELP = `
Goes on with the dead letters that were left; those that have died since the
redrive began are not its business.

Examples:
  $ risc-worker redrive resume 7
`

export function addRedriveCancelCommand(redrive: Command, world: World): void {
  addChange(redrive.command('cancel'), { from: 'running', change: cancelRedrive }, world)
    .description('stop a redrive')
    .addHelpText('after', CANCEL_HELP)
}

export function addRedriveResumeCommand(redrive: Command, world: World): void {
  addChange(redrive.command('resume'), { from: 'cancelled', change: resumeRedrive }, world)
    .description('let a cancelled redrive go on')
    .addHelpText('after', RESUME_HELP)
}

function addChange(command: Command, change: RedriveChange, world: World): Command {
  return command
    .argument('<redrive>', 'its number', wholeNumber(1))
    .option('--json', 'print one JSON document')
    .action((id: number, { json }: { readonly json?: true }) => carryOut(id, change, { json, world }))
}

async function carryOut(
  id: number,
  { from, change }: RedriveChange,
  { json, world }: { readonly json: true | undefined; readonly world: World },
): Promise<void> {
  const { databaseUrl } = readConnectionConfig(world.env)
  const { changed, progress } = await withDatabase(databaseUrl, async (db) => ({
    changed: await change(db, id, operator(world)),
    progress: await requireRedrive(db, id),
  }))
  if (json) printJson(world.stdout, { changed, ...progress })
  else world.stdout.write(`redrive ${id} is ${describeProgress(progress)}\n`)
  if (!changed && progress.state !== (from === 'running' ? 'cancelled' : 'running')) {
    throw new CommandFailedError(`redrive ${id} is not ${from}`)
  }
}
