import { type Command, Option } from 'commander'
import { duration } from '../argument.ts'
import { checkAll } from '../checks/checkup.ts'
import type { Finding } from '../checks/finding.ts'
import { CommandFailedError } from '../command-error.ts'
import { printJson } from '../json.ts'
import { addSigningOptions, type SigningOptions } from '../signing-options.ts'
import { formatTable } from '../table.ts'
import { type Terminal, terminalOf } from '../terminal.ts'
import type { World } from '../world.ts'

interface CheckOptions extends SigningOptions {
  readonly stream?: string
  readonly timeout: number
  readonly json?: true
}

const FIVE_SECONDS_MS = 5000
const LEVEL_COLOURS = { ok: 'green', warning: 'yellow', problem: 'red' } as const

const HELP = `
Looks at the configuration, the database and its schema, the rights of the role, clocks, old transactions, autovacuum,
workers and keys, and connects to the endpoint of each enabled stream: name, TLS and certificate, without a request.
Changes nothing. Each finding is ok, a warning or a problem, and says what to do. Exits 1 if there is a problem.

With --issuer and --keys-env, on a machine that may hold them, the IdP's keys are held against what SETs need.

Examples:
  $ risc-worker check
  $ risc-worker check --stream partner-a --timeout 10s
  $ risc-worker check --json | jq '.findings[] | select(.level != "ok")'
`

export function addCheckCommand(program: Command, world: World): void {
  addSigningOptions(program.command('check'))
    .description('find out whether deliveries can be made, and what is in the way')
    .option('--stream <id>', 'look at the endpoint of this stream alone, whatever its status')
    .addOption(
      new Option('--timeout <duration>', 'time for each endpoint')
        .argParser(duration(1))
        .default(FIVE_SECONDS_MS, '5s'),
    )
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((options: CheckOptions) => check(options, world))
}

async function check({ stream, timeout, json, ...signing }: CheckOptions, world: World): Promise<void> {
  const options = { ...signing, streamId: stream, timeoutMs: timeout }
  const findings = await checkAll(options, world.env)
  const problems = findings.filter(({ level }) => level === 'problem').length
  const warnings = findings.filter(({ level }) => level === 'warning').length
  if (json) printJson(world.stdout, { findings, problems, warnings })
  else world.stdout.write(formatFindings(findings, terminalOf(world)))
  if (problems > 0) throw new CommandFailedError(`${problems} ${problems === 1 ? 'problem' : 'problems'} found`)
}

/** Not cut to the terminal's width: what to do is at the end. */
function formatFindings(findings: readonly Finding[], { colours }: Terminal): string {
  return formatTable(
    ['RESULT', 'CHECK', 'FINDING'],
    findings.flatMap(({ check, level, finding, advice }) => [
      [{ text: level, colour: LEVEL_COLOURS[level] }, check, finding],
      ...(advice === null ? [] : [['', '', `→ ${advice}`]]),
    ]),
    { terminal: { colours } },
  )
}
