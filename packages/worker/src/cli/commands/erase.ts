import { type Command, Option } from 'commander'
import { readConnectionConfig } from '../../config.ts'
import { duration } from '../argument.ts'
import { CommandFailedError, MisuseError } from '../command-error.ts'
import { withDatabase } from '../database.ts'
import { type ErasureReport, erase } from '../erasure/erase.ts'
import type { PersonName } from '../erasure/find-person.ts'
import { printJson } from '../json.ts'
import { requireStream } from '../require-stream.ts'
import { readSubjectArgument } from '../subject-argument.ts'
import type { World } from '../world.ts'

interface EraseOptions {
  readonly subject?: string
  readonly user?: string
  readonly stream?: string
  readonly dryRun: boolean
  readonly wait: number
  readonly json?: true
}

const HELP = `
Removes what is on record of a person: links, SETs that wait or are dead, and
what receivers said that quotes them. What a worker may be sending is waited
for. History keeps the proof that something was sent, without SET and subject.

--subject is a subject identifier (RFC 9493) as JSON, or an e-mail address. It
is found at any depth of a SET, an address or telephone number also in texts.
Whoever is linked under it is forgotten under all their subjects. --user finds
what was enqueued about a user of the IdP, linked or not, and encrypted or not.
As long as SETs remain of which nobody can tell whom they are about, --subject
exits 1.

See what goes by --dry-run: nothing brings it back. What is not sent yet goes
unsent, so let account-purged be accepted first. What is enqueued meanwhile, or
by transactions that are still open, is found when this is run again.

Others on this machine see command lines, in ps, and the shell keeps them: with
- the name is read from stdin.

Examples:
  $ risc-worker erase --subject - --dry-run < subject.json
  $ echo jane@example.com | risc-worker erase --subject -
  $ echo u-123 | risc-worker erase --user - --stream partner-a --json
`

export function addEraseCommand(program: Command, world: World): void {
  program
    .command('erase')
    .description('forget a person')
    .allowExcessArguments() // commander would quote them
    .option('--subject <subject>', 'whom receivers know by this; - reads it from stdin')
    .option('--user <user>', "the IdP's own identifier, as its events give it; - reads it from stdin")
    .option('--stream <id>', 'only what this stream is owed and knows')
    .option('--dry-run', 'only count', false)
    .addOption(
      new Option('--wait <duration>', 'how long to wait for what is being sent')
        .argParser(duration(1, 0))
        .default(120_000, '2m'),
    )
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((options: EraseOptions, { args }: Command) => {
      if (args.length > 0) throw new MisuseError('too many arguments: name the person by --subject or --user')
      return run(options, world)
    })
}

async function run({ stream, dryRun, wait, json, ...options }: EraseOptions, world: World): Promise<void> {
  const name = await readName(options, world)
  const { databaseUrl } = readConnectionConfig(world.env)
  const report = await withDatabase(databaseUrl, async (db) => {
    if (stream !== undefined) await requireStream(db, stream)
    return erase(db, { name, streamId: stream, dryRun, waitMs: wait })
  })
  if (json) printJson(world.stdout, { dry_run: dryRun, ...report })
  else {
    const counts = Object.entries(report).map(([kind, count]) => `${count} ${kind}`)
    world.stdout.write(`${dryRun ? 'would erase' : 'erased'} ${counts.join(', ')}\n`)
  }
  const problem = leftOver(report, dryRun)
  if (problem !== undefined) throw new CommandFailedError(problem)
}

async function readName({ subject, user }: Pick<EraseOptions, 'subject' | 'user'>, world: World): Promise<PersonName> {
  if (subject !== undefined && user === undefined) return { subject: readSubjectArgument(await read(subject, world)) }
  if (user === undefined || subject !== undefined)
    throw new MisuseError('name one: --subject <subject> or --user <user>')
  const text = await read(user, world)
  if (text === '' || text.includes('\0')) throw new MisuseError('--user is empty or holds U+0000')
  return { user: text }
}

async function read(argument: string, world: World): Promise<string> {
  return argument === '-' ? (await world.readStdin()).replace(/\r?\n$/, '') : argument
}

/** Says why the person may still be on record. */
function leftOver({ claimed, encrypted, unreadable }: ErasureReport, dryRun: boolean): string | undefined {
  if (claimed > 0 && !dryRun)
    return `a worker may be sending what is claimed, and the links are kept until it has landed: run it again`
  const reasons = [
    ...(encrypted > 0
      ? [`${encrypted} SETs are encrypted and about no user who was found: --user finds a user's`]
      : []),
    ...(unreadable > 0 ? [`${unreadable} SETs cannot be decoded, so nobody can tell whom they are about`] : []),
  ]
  return reasons.length > 0 ? reasons.join('; ') : undefined
}
