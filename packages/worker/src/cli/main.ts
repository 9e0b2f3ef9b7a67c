import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { errorCode } from '../error-code.ts'
import { InvalidConfigError } from '../errors.ts'
import { MisuseError } from './command-error.ts'
import { addCheckCommand } from './commands/check.ts'
import { addCompletionCommand } from './commands/completion.ts'
import { addCredentialCommands } from './commands/credential.ts'
import { addDiscardCommand } from './commands/discard.ts'
import { addEraseCommand } from './commands/erase.ts'
import { addKeyCommands } from './commands/key.ts'
import { addListCommand } from './commands/list.ts'
import { addMigrateCommand } from './commands/migrate.ts'
import { addReceiveCommand } from './commands/receive.ts'
import { addRedriveCommands } from './commands/redrive.ts'
import { addRetryCommand } from './commands/retry.ts'
import { addRunCommand } from './commands/run.ts'
import { addShowCommand } from './commands/show.ts'
import { addStatusCommand } from './commands/status.ts'
import { addStreamCommands } from './commands/stream.ts'
import { addWhyCommand } from './commands/why.ts'
import { explainError } from './explain-error.ts'
import { wrapHelp } from './help-text.ts'
import { explainDenied } from './needed-role.ts'
import type { Output, World } from './world.ts'

const SUCCESS = 0
const FAILED = 1
const MISUSE = 64
const INSUFFICIENT_PRIVILEGE = '42501'

const ENVIRONMENT = `
Environment:
  DATABASE_URL           where the outbox is: postgres://user:password@host:5432/database
  RISC_CONCURRENCY       run: deliveries that are handed out for it, 1 to 2000 (400)
  RISC_SHUTDOWN_SECONDS  run: how long a stopping worker waits for what is in flight (10)
  RISC_KEEP_DEAD_DAYS, RISC_KEEP_HISTORY_DAYS, RISC_KEEP_ATTEMPTS_DAYS
                         run: days to keep each, or forever (30, 90, 14)
  RISC_LOG_LEVEL         run: fatal, error, warn, info, debug, trace or silent (info)
  RISC_HTTP_PORT         run: port of /livez, /readyz and /metrics (none)
  RISC_HTTP_HOST         run: address of that port; 0.0.0.0 or :: for all (127.0.0.1)
  RISC_METRICS_STREAMS   run: how many streams have metrics of their own (200)
  RISC_WORKER_NAME       run: what status calls this process (host:pid)
  RISC_CREDENTIAL_KEYS_FILE, RISC_CREDENTIAL_KEYS
                         keys that seal credentials (none)
  RISC_CREDENTIALS_DIRECTORY
                         files that streams refer to (none)
  RISC_ALLOW_LOOPBACK    true allows receivers on http://127.0.0.1, for development only (false)
  RISC_ALLOW_NAT64       true judges addresses of 64:ff9b::/96 by the IPv4 address inside (false)
  RISC_DNS_SERVERS       name servers, as 192.0.2.53,[2001:db8::53]:5353 (the system's)
  RISC_HTTPS_PROXY       a forward proxy for all SETs, as http://proxy.example:3128 (none)

Exit status: 0 done, 1 failed, 64 misuse.

Examples:
  $ risc-worker migrate
  $ risc-worker stream add partner-a --url https://partner-a.example/events
  $ risc-worker run
`

/** Runs one command line, without the program's name, and returns the exit code. */
export async function main(argv: readonly string[], world: World): Promise<number> {
  const program = createProgram(world)
  let given = program
  program.hook('preAction', (_, command) => {
    given = command
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return SUCCESS
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? SUCCESS : MISUSE // it has said why
    const denied = errorCode(error) === INSUFFICIENT_PRIVILEGE
    world.stderr.write(`risc-worker: ${denied ? explainDenied(given) : explainError(error)}\n`)
    return error instanceof MisuseError || error instanceof InvalidConfigError ? MISUSE : FAILED
  }
}

/** All commands, as they are parsed. */
export function createProgram(world: World): Command {
  const program = new Command('risc-worker')
    .description('Delivers the security events of a risc-outbox to their receivers.')
    .version(readVersion())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.stdout.write(wrapHelp(text, columnsOf(world.stdout))),
      writeErr: (text) => world.stderr.write(wrapHelp(text, columnsOf(world.stderr))),
      outputError: (text) => world.stderr.write(withoutValue(text.replace(/^error: /, 'risc-worker: '))),
      getOutHelpWidth: () => columnsOf(world.stdout),
      getErrHelpWidth: () => columnsOf(world.stderr),
    })
    .showHelpAfterError('(--help tells more)')
    .addHelpText('after', ENVIRONMENT)
  addRunCommand(program, world)
  addMigrateCommand(program, world)
  addCheckCommand(program, world)
  addStatusCommand(program, world)
  addListCommand(program, world)
  addShowCommand(program, world)
  addWhyCommand(program, world)
  addRetryCommand(program, world)
  addRedriveCommands(program, world)
  addDiscardCommand(program, world)
  addEraseCommand(program, world)
  addStreamCommands(program, world)
  addKeyCommands(program, world)
  addCredentialCommands(program, world)
  addReceiveCommand(program, world)
  addCompletionCommand(program, world)
  return program
}

function columnsOf(out: Output): number {
  return out.columns || 80
}

/** The value of a misspelt option, or of a wrong one, may be anything, a credential or a person's name. */
function withoutValue(text: string): string {
  return text
    .replace(/(unknown option '--[^=]*)=.*'/s, "$1'")
    .replace(/ (argument|value) '.*' is invalid/s, ' $1 is invalid')
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return (manifest as { readonly version: string }).version
}
