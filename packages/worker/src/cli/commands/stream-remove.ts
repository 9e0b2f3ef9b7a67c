import { type Command, Option } from 'commander'
import { readConnectionConfig } from '../../config.ts'
import { duration } from '../argument.ts'
import { MisuseError } from '../command-error.ts'
import { withDatabase } from '../database.ts'
import { printJson } from '../json.ts'
import { operator } from '../operator.ts'
import { readReason } from '../reason.ts'
import { requireStream } from '../require-stream.ts'
import { removeStream } from '../stream-removal.ts'
import type { World } from '../world.ts'

interface StreamRemoveOptions {
  readonly discard?: true
  readonly note?: string
  readonly wait: number
  readonly json?: true
}

const TWO_MINUTES_MS = 120_000

const HELP = `
Removes the stream, and with it which users its receiver knows under which subjects. History stays: what was sent, and
what is discarded now, with the note that is given. What is in flight is waited for. Should the command end before it is
done, the stream is held back or disabled: give it again.

The receiver is not told; to tell it, have the stream disabled first. An IdP that looks recipients up itself has to leave
the stream out before: enqueueing for one that is not there fails.

Examples:
  $ risc-worker stream remove partner-a
  $ risc-worker stream remove partner-a --discard --note 'ticket 4711'
`

export function addStreamRemoveCommand(stream: Command, world: World): void {
  stream
    .command('remove')
    .description('remove a stream to which nothing is owed')
    .argument('<id>', 'the stream')
    .option('--discard', 'give up what it is owed and its dead letters')
    .option('--note <text>', 'why, for history: up to 200 characters')
    .addOption(
      new Option('--wait <duration>', 'how long to wait for what is in flight')
        .argParser(duration(1))
        .default(TWO_MINUTES_MS, '2m'),
    )
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((id: string, options: StreamRemoveOptions) => remove(id, options, world))
}

async function remove(id: string, { discard, note, wait, json }: StreamRemoveOptions, world: World): Promise<void> {
  const { databaseUrl } = readConnectionConfig(world.env)
  if ((discard === true) !== (note !== undefined)) throw new MisuseError('--discard and --note <text> go together')
  const options = {
    reason: note === undefined ? undefined : readReason('--note', note),
    by: operator(world),
    waitMs: wait,
    onWait: (dispatched: number) => void world.stderr.write(`waiting for ${dispatched} in flight\n`),
  }
  const { discarded, subjects } = await withDatabase(databaseUrl, async (db) => {
    await requireStream(db, id)
    return removeStream(db, id, options)
  })
  if (json) printJson(world.stdout, { stream_id: id, discarded, subjects })
  else world.stdout.write(`stream ${id} removed: ${discarded.queued} queued and ${discarded.dead} dead discarded\n`)
  if (!json && subjects > 0) world.stderr.write(`${subjects} users are no longer known to its receiver\n`)
}
