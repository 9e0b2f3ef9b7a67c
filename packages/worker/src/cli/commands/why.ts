import type { Command } from 'commander'
import { readConnectionConfig } from '../../config.ts'
import { formatAttempts } from '../attempts-table.ts'
import { withDatabase } from '../database.ts'
import { explainWhy } from '../explain-why.ts'
import { printJson } from '../json.ts'
import { type Attempt, listLastAttempts } from '../queries/attempts.ts'
import { askWhy, type Why } from '../queries/why.ts'
import { shortEvent } from '../short-event.ts'
import { formatTable, formatTime, printable } from '../table.ts'
import { unknownDelivery } from '../unknown-delivery.ts'
import type { World } from '../world.ts'

interface WhyOptions {
  readonly json?: true
}

/** How many attempts tell enough: `show` has all. */
const ATTEMPTS = 10

const HELP = `
One answer: accepted, by whom and when; dead or discarded, and why; or what it
waits for, until when, and what to do. Below it the last ${ATTEMPTS} attempts that were
not accepted. With --json, reason is a word that does not change.

Examples:
  $ risc-worker why 5f2c0f6be6a64b6d8b1f0a7e2f6d9c11
  $ risc-worker why 5f2c0f6be6a64b6d8b1f0a7e2f6d9c11 --json | jq -r .reason
`

export function addWhyCommand(program: Command, world: World): void {
  program
    .command('why')
    .description('say why a delivery has not arrived, or that it has')
    .argument('<jti>', 'the delivery, by the jti of its SET')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((jti: string, options: WhyOptions) => why(jti, options, world))
}

async function why(jti: string, { json }: WhyOptions, world: World): Promise<void> {
  const { databaseUrl } = readConnectionConfig(world.env)
  await withDatabase(databaseUrl, async (db) => {
    const [asked, ...earlier] = await askWhy(db, jti)
    if (asked === undefined) throw await unknownDelivery(db, `delivery ${jti}`)
    const notAccepted = await listLastAttempts(db, jti, ATTEMPTS)
    if (json) printJson(world.stdout, { ...asked, earlier, not_accepted: notAccepted })
    else world.stdout.write(format(asked, earlier, notAccepted))
  })
}

function format(asked: Why, earlier: readonly Why[], notAccepted: readonly Attempt[]): string {
  const explanations = [asked, ...earlier].map((why) => ({ jti: why.jti, ...explainWhy(why) }))
  const answers = explanations.map(({ jti, answer }, place) => (place === 0 ? answer : `${jti}: ${answer}`))
  const advice = explanations.findLast((explanation) => explanation.advice !== undefined)?.advice
  return [
    `${[...answers, ...(advice === undefined ? [] : [`What to do: ${advice}`])].map(printable).join('\n')}\n`,
    formatDelivery(asked),
    ...(notAccepted.length > 0 ? [formatAttempts(notAccepted)] : []),
  ].join('\n')
}

function formatDelivery(why: Why): string {
  return formatTable(
    ['JTI', 'STREAM', 'EVENT', 'STATE', 'ATTEMPTS', 'CREATED', 'EXPIRES'],
    [
      [
        why.jti,
        why.stream_id,
        shortEvent(why.event_type),
        why.state,
        'max_attempts' in why ? `${why.attempts} of ${why.max_attempts}` : why.attempts,
        formatTime(why.created_at),
        formatTime('expires_at' in why ? why.expires_at : null),
      ],
    ],
  )
}
