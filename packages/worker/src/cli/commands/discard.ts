import type { Command } from 'commander'
import type { Kysely } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import { readConnectionConfig } from '../../config.ts'
import { CommandFailedError, MisuseError } from '../command-error.ts'
import { withDatabase } from '../database.ts'
import { addDeadFilterOptions, type DeadFilter, type DeadFilterOptions, readDeadFilter } from '../dead-filter.ts'
import { printJson } from '../json.ts'
import { actOnNamed, explainUntouched, type NamedReport } from '../named-deliveries.ts'
import { countDead, fixEnd } from '../queries/dead-letters.ts'
import { discardDead, discardDeliveries, whyNotDiscarded } from '../queries/discards.ts'
import { readReason } from '../reason.ts'
import { requireStream } from '../require-stream.ts'
import { formatTable } from '../table.ts'
import type { World } from '../world.ts'

interface DiscardOptions extends DeadFilterOptions {
  readonly note?: string
  readonly dryRun?: true
  readonly yes?: true
  readonly json?: true
}

/** What a discard found, stream by stream, and what it did. */
interface StreamReport {
  readonly stream_id: string
  readonly total: number
  readonly discarded: number
}

const HELP = `
The SET is gone, which cannot be undone; history keeps the jti, the SHA-256 of
the SET and the note. What is in flight is left alone. Deliveries that are
named may be waiting or dead; --dead and --all-dead discard dead letters alone,
those of now, and want to be told --yes. --reason is what they died of.

Examples:
  $ risc-worker discard 5f2c0f6be6a64b6d8b1f0a7e2f6d9c11 --note 'ticket 4711'
  $ risc-worker discard --dead --reason expired --until 30d --dry-run
  $ risc-worker discard --all-dead --note 'end of the test phase' --yes
`

export function addDiscardCommand(program: Command, world: World): void {
  const discard = program.command('discard').description('give deliveries up for good, with a note that says why')
  addDeadFilterOptions(discard.argument('[jti...]', 'deliveries, by the jti of their SET'))
    .option('--note <text>', 'why, for history: up to 200 characters')
    .option('--yes', 'discard all dead letters that fit')
    .option('--dry-run', 'only say how many fit')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((jtis: readonly string[], options: DiscardOptions) => discardAny(jtis, options, world))
}

async function discardAny(jtis: readonly string[], options: DiscardOptions, world: World): Promise<void> {
  const { dryRun, yes, json } = options
  const filter = readDeadFilter(jtis, options)
  if (filter === undefined && (dryRun || yes)) throw new MisuseError('--dry-run and --yes go with --dead or --all-dead')
  if (filter !== undefined && (dryRun === true) === (yes === true)) {
    throw new MisuseError('this cannot be undone: see what fits by --dry-run, then say --yes')
  }
  if (!dryRun && options.note === undefined) throw new MisuseError('--note <text> says why, for history')
  const note = options.note === undefined || dryRun ? undefined : readReason('--note', options.note)
  const { databaseUrl } = readConnectionConfig(world.env)
  await withDatabase(databaseUrl, async (db) => {
    if (filter !== undefined) {
      reportStreams(await discardFitting(db, filter, note), options, world)
    } else if (note !== undefined) {
      const act = (batch: readonly string[]) => discardDeliveries(db, batch, note)
      reportNamed(await actOnNamed(jtis, { act, why: (left) => whyNotDiscarded(db, left) }), json, world)
    }
  })
}

/** Goes through the dead letters of now once, each batch in a transaction of its own, so none is held for long. */
async function discardFitting(
  db: Kysely<OutboxDatabase>,
  chosen: DeadFilter,
  note: string | undefined,
): Promise<StreamReport[]> {
  if (chosen.streamId !== undefined) await requireStream(db, chosen.streamId)
  const filter = await fixEnd(db, chosen)
  const reports: StreamReport[] = []
  for (const { stream_id, total } of await countDead(db, filter)) {
    const discarded = note === undefined ? 0 : await discardOf(db, { ...filter, streamId: stream_id }, note)
    reports.push({ stream_id, total, discarded })
  }
  return reports
}

async function discardOf(db: Kysely<OutboxDatabase>, filter: DeadFilter, note: string): Promise<number> {
  let discarded = 0
  for (let afterId: string | null = '0'; afterId !== null; ) {
    const batch = await discardDead(db, { filter, afterId, reason: note })
    discarded += batch.discarded
    afterId = batch.after_id
  }
  return discarded
}

function reportStreams(streams: readonly StreamReport[], { dryRun, json }: DiscardOptions, world: World): void {
  const total = streams.reduce((sum, stream) => sum + stream.total, 0)
  const discarded = streams.reduce((sum, stream) => sum + stream.discarded, 0)
  if (json) printJson(world.stdout, { total, discarded, streams })
  else if (dryRun) world.stdout.write(`${total > 0 ? formatCounts(streams) : ''}would discard ${total} dead letters\n`)
  else world.stdout.write(`${discarded} discarded\n`)
  if (!dryRun && discarded < total) {
    throw new CommandFailedError(`${total - discarded} were busy with something else: give the command again`)
  }
}

function formatCounts(streams: readonly StreamReport[]): string {
  return formatTable(
    ['STREAM', 'DEAD'],
    streams.map(({ stream_id, total }) => [stream_id, total]),
  )
}

function reportNamed({ done, untouched, unknown }: NamedReport, json: true | undefined, world: World): void {
  if (json) printJson(world.stdout, { discarded: done, untouched, unknown })
  else world.stdout.write(`${done} discarded\n`)
  world.stderr.write(explainUntouched(untouched))
  if (unknown.length > 0) throw new CommandFailedError(`not waiting and not dead: ${unknown.join(', ')}`)
  if (untouched.length > 0) throw new CommandFailedError('not all were discarded')
}
