import type { Command } from 'commander'
import { readConnectionConfig } from '../../config.ts'
import { formatAttempts } from '../attempts-table.ts'
import { MisuseError } from '../command-error.ts'
import { withDatabase } from '../database.ts'
import { printJson } from '../json.ts'
import { type Attempt, listAttempts } from '../queries/attempts.ts'
import { findRecorded, type RecordedDelivery } from '../queries/recorded.ts'
import { formatTable, formatTime } from '../table.ts'
import { unknownDelivery } from '../unknown-delivery.ts'
import type { World } from '../world.ts'

interface ShowOptions {
  readonly txn?: string
  readonly json?: true
}

interface ShownDelivery extends RecordedDelivery {
  readonly not_accepted: readonly Attempt[]
}

const HELP = `
Whatever its state: what waits, is in flight, is dead or is settled, with each
attempt that was not accepted. No SET, no subject, no credential.
\`risc-worker why\` says what it means.

Examples:
  $ risc-worker show 5f2c0f6be6a64b6d8b1f0a7e2f6d9c11
  $ risc-worker show --txn 71d1dca5-8d5c-4b61-9b0e-0d1f2a7c6e55
`

export function addShowCommand(program: Command, world: World): void {
  program
    .command('show')
    .description('show all that is recorded of a delivery')
    .argument('[jti]', 'the delivery, by the jti of its SET')
    .option('--txn <txn>', 'all deliveries of one cause, by the txn that their SETs share')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((jti: string | undefined, options: ShowOptions) => show(jti, options, world))
}

async function show(jti: string | undefined, { txn, json }: ShowOptions, world: World): Promise<void> {
  const by = jti !== undefined ? { jti } : txn !== undefined ? { txn } : undefined
  if (by === undefined || (jti !== undefined && txn !== undefined)) {
    throw new MisuseError('name one of: the jti of a delivery, or --txn <txn>')
  }
  const { databaseUrl } = readConnectionConfig(world.env)
  const deliveries = await withDatabase(databaseUrl, async (db) => {
    const found = await findRecorded(db, by)
    if (found.length === 0)
      throw await unknownDelivery(db, jti === undefined ? `delivery of txn ${txn}` : `delivery ${jti}`)
    const attempts = await listAttempts(
      db,
      found.map((delivery) => delivery.jti),
    )
    return found.map((delivery) => ({ ...delivery, not_accepted: attempts.filter((one) => one.jti === delivery.jti) }))
  })
  if (json) printJson(world.stdout, { deliveries })
  else world.stdout.write(deliveries.map(format).join('\n'))
}

function format({ not_accepted, jti, ...facts }: ShownDelivery): string {
  const known = Object.entries(facts).filter(([, fact]) => fact !== null)
  return [
    formatTable(
      ['jti', jti],
      known.map(([name, fact]) => [name, fact instanceof Date ? formatTime(fact) : String(fact)]),
    ),
    ...(not_accepted.length > 0 ? [formatAttempts(not_accepted)] : []),
  ].join('\n')
}
