import { validateHeaderValue } from 'node:http'
import { type Command, Option } from 'commander'
import type { Insertable } from 'kysely'
import type { StreamProfile, StreamTable } from 'risc-outbox'
import { readConnectionConfig } from '../../config.ts'
import { checkEndpointUrl, type EndpointRules } from '../../endpoint-url.ts'
import { commaSeparated, duration, durations, wholeNumber } from '../argument.ts'
import { CommandFailedError, MisuseError } from '../command-error.ts'
import { withDatabase } from '../database.ts'
import { eventUri } from '../event-uri.ts'
import { printJson } from '../json.ts'
import { insertStream } from '../queries/streams.ts'
import type { World } from '../world.ts'

interface StreamAddOptions {
  readonly url: string
  readonly profile: StreamProfile
  readonly audience?: string[]
  readonly events?: string[]
  readonly ordering?: 'subject' | 'none'
  readonly maxInFlight?: number
  readonly rateLimit?: number
  readonly rateInterval?: number
  readonly timeoutMs?: number
  readonly retryDelays?: number[]
  readonly maxAge?: number
  readonly authorizationEnv?: string
  readonly json?: true
}

const HELP = `
The credential is read from an environment variable, since others can see a command line.

Examples:
  $ risc-worker stream add partner-a --url https://partner-a.example/events
  $ risc-worker stream add partner-b --url https://partner-b.example/events \\
      --events account-disabled,account-enabled --max-age 72h \\
      --retry-delays 10s,1m,10m,1h
  $ PARTNER_C='Bearer …' risc-worker stream add partner-c --profile login.gov \\
      --url https://partner-c.example/events --audience urn:partner-c \\
      --authorization-env PARTNER_C
`

export function addStreamAddCommand(stream: Command, world: World): void {
  stream
    .command('add')
    .description('add a stream')
    .argument('<id>', 'its name: up to 64 of A-Z a-z 0-9 . _ ~ -')
    .requiredOption('--url <url>', 'where the receiver takes SETs, https:')
    .addOption(
      new Option('--profile <profile>', 'how its SETs are written').choices(['ssf', 'login.gov']).default('ssf'),
    )
    .option('--audience <aud...>', 'the claim aud (default: the URL)')
    .option('--events <type...>', 'short names or URIs of the events it wants (default: all)', commaSeparated)
    .addOption(
      new Option('--ordering <ordering>', 'whether events of one user keep their order (default: subject)').choices([
        'subject',
        'none',
      ]),
    )
    .option('--max-in-flight <n>', 'deliveries in flight at most, over all workers (default: 50)', wholeNumber(1))
    .option('--rate-limit <n>', 'requests in any rate interval at most (default: 1000)', wholeNumber(1))
    .option('--rate-interval <duration>', 'what the rate limit is counted over (default: 1m)', duration(1))
    .option('--timeout-ms <ms>', 'time for one request, all in all (default: 3000)', wholeNumber(100, 60_000))
    .option('--retry-delays <list>', 'waits between attempts (default: 10s,1m,10m,1h)', durations(24))
    .option('--max-age <duration>', 'when to give a delivery up (default: 72h)', duration(365))
    .option('--authorization-env <name>', 'the environment variable that holds the Authorization header')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((id: string, options: StreamAddOptions) => add(id, options, world))
}

async function add(id: string, options: StreamAddOptions, world: World): Promise<void> {
  const { databaseUrl, allowLoopback } = readConnectionConfig(world.env)
  const stream = readStream(id, options, { allowLoopback }, world)
  const added = await withDatabase(databaseUrl, (db) => insertStream(db, stream))
  if (!added) throw new CommandFailedError(`there is a stream ${id} already`)
  if (options.json) printJson(world.stdout, { added: id })
  else world.stdout.write(`stream ${id} added\n`)
}

function readStream(
  id: string,
  options: StreamAddOptions,
  rules: EndpointRules,
  world: World,
): Insertable<StreamTable> {
  const { url, profile, audience = [url], events, maxInFlight, timeoutMs, retryDelays, maxAge } = options
  const { ordering, rateLimit, rateInterval } = options
  if (!/^[A-Za-z0-9._~-]{1,64}$/.test(id)) throw new MisuseError('<id> must be 1 to 64 of A-Z a-z 0-9 . _ ~ -')
  if (events?.length === 0) throw new MisuseError('--events names no event')
  if (audience.includes('')) throw new MisuseError('--audience must not be empty')
  const problem = checkEndpointUrl(url, rules)
  if (problem !== undefined) throw new MisuseError(`--url ${problem}`)
  const { authorizationEnv: name } = options
  return {
    id,
    profile,
    endpoint_url: url,
    audience,
    ...(events !== undefined && { events_requested: events.map((event) => eventUri('--events', event)) }),
    ...(ordering !== undefined && { ordering }),
    ...(maxInFlight !== undefined && { max_in_flight: maxInFlight }),
    ...(rateLimit !== undefined && { rate_limit: rateLimit }),
    ...(rateInterval !== undefined && { rate_interval: `${rateInterval} milliseconds` }),
    ...(timeoutMs !== undefined && { timeout_ms: timeoutMs }),
    ...(retryDelays !== undefined && { retry_delays_ms: retryDelays }),
    ...(maxAge !== undefined && { max_age: `${maxAge} milliseconds` }),
    ...(name !== undefined && { authorization_header: readCredential(name, world.env[name]) }),
  }
}

/** Messages name the variable, never what it holds. */
function readCredential(name: string, value: string | undefined): string {
  if (value === undefined || value.trim() === '') throw new MisuseError(`--authorization-env: ${name} is not set`)
  try {
    validateHeaderValue('authorization', value)
  } catch {
    throw new MisuseError(
      `--authorization-env: ${name} holds characters that no header can carry, such as a line break`,
    )
  }
  return value
}
