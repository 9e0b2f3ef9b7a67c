import type { Command } from 'commander'
import type { Kysely } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import { readConnectionConfig } from '../../config.ts'
import { CommandFailedError, MisuseError } from '../command-error.ts'
import { withDatabase } from '../database.ts'
import { printJson } from '../json.ts'
import { findDead, findUnsettled, retryDeliveries } from '../queries/retries.ts'
import { requireStream } from '../require-stream.ts'
import type { World } from '../world.ts'

interface RetryOptions {
  readonly dead?: true
  readonly stream?: string
  readonly allDead?: true
  readonly json?: true
}

/** What a retry found: what is sent again, what is being sent as it is, what nothing is known of. */
interface RetryReport {
  readonly retried: number
  readonly in_flight: readonly string[]
  readonly unknown: readonly string[]
}

const BATCH = 500

const HELP = `
Sends the same bytes with the same jti. Dead letters get all their attempts back; what waits is due at once; what is in
flight is left alone.

Examples:
  $ risc-worker retry 5f2c0f6be6a64b6d8b1f0a7e2f6d9c11
  $ risc-worker retry --dead --stream partner-a
  $ risc-worker retry --all-dead
`

export function addRetryCommand(program: Command, world: World): void {
  program
    .command('retry')
    .description('send deliveries again')
    .argument('[jti...]', 'deliveries, by the jti of their SET')
    .option('--dead', 'all dead letters of the stream that --stream names')
    .option('--stream <id>', 'the stream of --dead')
    .option('--all-dead', 'all dead letters of all streams')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((jtis: readonly string[], options: RetryOptions) => retry(jtis, options, world))
}

async function retry(jtis: readonly string[], options: RetryOptions, world: World): Promise<void> {
  const problem = misuse(jtis, options)
  if (problem !== undefined) throw new MisuseError(problem)
  const { databaseUrl } = readConnectionConfig(world.env)
  const report = await withDatabase(databaseUrl, async (db) => {
    if (jtis.length > 0) return retryThese(db, [...new Set(jtis)])
    if (options.stream !== undefined) await requireStream(db, options.stream)
    return retryDead(db, options.stream)
  })
  if (options.json) printJson(world.stdout, { ...report })
  else world.stdout.write(`${report.retried} sent again\n`)
  for (const jti of report.in_flight) world.stderr.write(`in flight already: ${jti}\n`)
  if (report.unknown.length > 0) throw new CommandFailedError(`not waiting and not dead: ${report.unknown.join(', ')}`)
}

function misuse(jtis: readonly string[], { dead, stream, allDead }: RetryOptions): string | undefined {
  if ([jtis.length > 0, dead, allDead].filter(Boolean).length !== 1) {
    return 'name one of: the jti of one or more deliveries, --dead --stream <id>, or --all-dead'
  }
  if (dead && stream === undefined) return '--dead needs --stream <id>; --all-dead is for all streams'
  if (!dead && stream !== undefined) return '--stream goes with --dead'
  return undefined
}

async function retryThese(db: Kysely<OutboxDatabase>, jtis: readonly string[]): Promise<RetryReport> {
  const retried = new Set<string>()
  const unsettled = new Set<string>()
  for (const batch of batches(jtis)) {
    for (const jti of await retryDeliveries(db, batch)) retried.add(jti)
    for (const jti of await findUnsettled(db, batch)) unsettled.add(jti)
  }
  const left = jtis.filter((jti) => !retried.has(jti))
  return {
    retried: retried.size,
    in_flight: left.filter((jti) => unsettled.has(jti)),
    unknown: left.filter((jti) => !unsettled.has(jti)),
  }
}

/** Goes through the dead letters once, each batch in a transaction of its own, so none is held for long. */
async function retryDead(db: Kysely<OutboxDatabase>, streamId: string | undefined): Promise<RetryReport> {
  let retried = 0
  let afterJti = ''
  for (;;) {
    const jtis = await findDead(db, { streamId, afterJti, limit: BATCH })
    const last = jtis.at(-1)
    if (last === undefined) return { retried, in_flight: [], unknown: [] }
    retried += (await retryDeliveries(db, jtis)).length
    afterJti = last
  }
}

function* batches<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += BATCH) yield items.slice(start, start + BATCH)
}
