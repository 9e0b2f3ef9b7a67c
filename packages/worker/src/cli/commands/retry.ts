import type { Command } from 'commander'
import { readConnectionConfig } from '../../config.ts'
import { CommandFailedError, MisuseError } from '../command-error.ts'
import { withDatabase } from '../database.ts'
import { addDeadFilterOptions, type DeadFilterOptions, readDeadFilter } from '../dead-filter.ts'
import { printJson } from '../json.ts'
import { actOnNamed, explainUntouched, type NamedReport } from '../named-deliveries.ts'
import { retryDeliveries, whyNotRetried } from '../queries/retries.ts'
import { rate } from '../rate.ts'
import { beginRedrive } from '../redriving.ts'
import type { World } from '../world.ts'

interface RetryOptions extends DeadFilterOptions {
  readonly rate?: number
  readonly dryRun?: true
  readonly json?: true
}

const HELP = `
Sends the same bytes with the same jti. Dead letters get all their attempts
back; what waits is due at once; what is in flight is left alone. A dead letter
cannot be sent if the exp of its SET has passed or its stream is disabled.

--dead and --all-dead begin a redrive: the workers release the dead letters of
now in their order, at a rate, and only where nothing else waits for room. It
goes on without this command, see redrive; live traffic may slow it down.
Without --rate, each stream gets a quarter of its rate limit, 50/s at most.

Examples:
  $ risc-worker retry 5f2c0f6be6a64b6d8b1f0a7e2f6d9c11
  $ risc-worker retry --dead --stream partner-a --since 24h --dry-run
  $ risc-worker retry --dead --reason server_error --rate 100/min
  $ risc-worker retry --all-dead
`

export function addRetryCommand(program: Command, world: World): void {
  const retry = program.command('retry').description('send deliveries again, or dead letters little by little')
  addDeadFilterOptions(retry.argument('[jti...]', 'deliveries, by the jti of their SET'))
    .option('--rate <rate>', 'how many of each stream at most: 10/s, 250/min, 1000/h', rate)
    .option('--dry-run', 'only say how many there are, and how long it would take')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((jtis: readonly string[], options: RetryOptions) => retryAny(jtis, options, world))
}

async function retryAny(jtis: readonly string[], options: RetryOptions, world: World): Promise<void> {
  const filter = readDeadFilter(jtis, options)
  const { rate: perSecond, dryRun, json } = options
  if (filter === undefined && (perSecond !== undefined || dryRun)) {
    throw new MisuseError('--rate and --dry-run go with --dead or --all-dead')
  }
  const { databaseUrl } = readConnectionConfig(world.env)
  await withDatabase(databaseUrl, async (db) => {
    if (filter !== undefined) return beginRedrive(db, { filter, perSecond, dryRun, json }, world)
    const act = (batch: readonly string[]) => retryDeliveries(db, batch)
    report(await actOnNamed(jtis, { act, why: (left) => whyNotRetried(db, left) }), options, world)
  })
}

/** What is in flight is being sent already, as was asked for; anything else that was not sent again is a failure. */
function report({ done, untouched, unknown }: NamedReport, { json }: RetryOptions, world: World): void {
  if (json) printJson(world.stdout, { retried: done, untouched, unknown })
  else world.stdout.write(`${done} sent again\n`)
  world.stderr.write(explainUntouched(untouched))
  if (unknown.length > 0) throw new CommandFailedError(`not waiting and not dead: ${unknown.join(', ')}`)
  if (untouched.some(({ because }) => because !== 'in_flight')) throw new CommandFailedError('not all were sent again')
}
