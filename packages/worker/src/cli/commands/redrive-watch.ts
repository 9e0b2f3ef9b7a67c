import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import { readConnectionConfig } from '../../config.ts'
import { duration, wholeNumber } from '../argument.ts'
import { withDatabase } from '../database.ts'
import { printJsonLine } from '../json.ts'
import { describeProgress } from '../redrive-progress.ts'
import { requireRedrive } from '../require-redrive.ts'
import type { World } from '../world.ts'

interface RedriveWatchOptions {
  readonly interval: number
  readonly json?: true
}

const HELP = `
Prints a line whenever something has changed, until all is released and none of
it waits, or the redrive is cancelled. To stop watching does not stop it.

Examples:
  $ risc-worker redrive watch 7
  $ risc-worker redrive watch 7 --json --interval 10s
`

export function addRedriveWatchCommand(redrive: Command, world: World): void {
  redrive
    .command('watch')
    .description('show how a redrive gets on')
    .argument('<redrive>', 'its number', wholeNumber(1))
    .addOption(new Option('--interval <duration>', 'how often to look').argParser(duration(1)).default(1000, '1s'))
    .option('--json', 'print one JSON document a line')
    .addHelpText('after', HELP)
    .action((id: number, options: RedriveWatchOptions) => watch(id, options, world))
}

async function watch(id: number, { interval, json }: RedriveWatchOptions, world: World): Promise<void> {
  const { databaseUrl } = readConnectionConfig(world.env)
  await withDatabase(databaseUrl, async (db) => {
    let shown: string | undefined
    for (;;) {
      const progress = await requireRedrive(db, id)
      const now = json ? JSON.stringify(progress) : describeProgress(progress)
      if (now !== shown && json) printJsonLine(world.stdout, { ...progress })
      else if (now !== shown) world.stdout.write(`${now}\n`)
      shown = now
      if (progress.state === 'cancelled' || (progress.state === 'done' && progress.waiting === 0)) return
      await sleep(interval)
    }
  })
}
