import { type Command, Option } from 'commander'
import type { ProfileName } from 'risc-set'
import { commaSeparated, duration, wholeNumber } from '../argument.ts'
import { type BehaviourOptions, readBehaviour } from '../dev-receiver/behaviour.ts'
import { toJsonLine, toParagraph } from '../dev-receiver/format-arrival.ts'
import { type IssuerKeysOptions, readIssuerKeys } from '../dev-receiver/issuer-keys.ts'
import { createDevReceiver } from '../dev-receiver/receive.ts'
import { listen } from '../dev-receiver/server.ts'
import type { World } from '../world.ts'

interface ReceiveOptions extends BehaviourOptions, IssuerKeysOptions {
  readonly port: number
  readonly issuer: string
  readonly audience: string[]
  readonly profile: ProfileName
  readonly json?: true
}

const HELP = `
For development: it prints what SETs say, subjects too, and listens on
127.0.0.1 and nowhere else. Credentials are not shown. A worker pushes to it
with RISC_ALLOW_LOOPBACK=true. Ctrl-C ends it.

What it is told to do, it does about every request, or about the first --times
of them; to the others it answers what they deserve. --retry-after 30 --times 2
is busy and then well again; --err invalid_audience refuses; --hang is what it
says.

Examples:
  $ risc-worker receive --issuer https://idp.example/ --audience bank \\
      --jwks https://idp.example/jwks.json
  $ risc-worker receive --issuer https://idp.example/ --audience bank \\
      --keys-env IDP_KEYS --retry-after 30 --times 2 --json
`

export function addReceiveCommand(program: Command, world: World): void {
  program
    .command('receive')
    .description('receive SETs on this machine, verify and print them: for development')
    .requiredOption('--issuer <url>', 'the IdP, byte for byte as its SETs name it')
    .requiredOption('--audience <aud,…>', 'whom the SETs are for: one of these', commaSeparated)
    .option('--jwks <file|url>', 'the keys of the IdP')
    .option('--keys-env <name>', 'the environment variable that holds the JWK set of the IdP, private or public')
    .addOption(
      new Option('--profile <profile>', 'how its SETs are written').choices(['ssf', 'login.gov']).default('ssf'),
    )
    .option('--port <n>', 'where to listen; 0 for any that is free', wholeNumber(0, 65_535), 8090)
    .option('--status <n>', 'answer with this status', wholeNumber(200, 599))
    .option('--err <code>', 'answer 400 with this code, as invalid_key or access_denied')
    .option('--description <text>', 'what --err says besides')
    .option('--retry-after <value>', 'the header: seconds or a date; with 503 unless --status says otherwise')
    .option('--delay <duration>', 'answer later, as 2s', duration(1))
    .option('--hang', 'never answer')
    .option('--drip', 'answer with a body that never ends, a byte at a time; with 400 unless --status says otherwise')
    .option('--reset', 'reset the connection')
    .option('--times <n>', 'do so this many times, and then behave', wholeNumber(1))
    .option('--json', 'print one line of JSON for each request')
    .addHelpText('after', HELP)
    .action((options: ReceiveOptions) => receive(options, world))
}

async function receive(options: ReceiveOptions, world: World): Promise<void> {
  const { issuer, audience, profile, port, json } = options
  const stopped = new Promise<void>((resolve) => world.onSignal(() => resolve()))
  const format = json ? toJsonLine : toParagraph
  const behave = readBehaviour(options)
  const receiver = createDevReceiver({
    issuer,
    audience,
    profile,
    jwks: await readIssuerKeys(options, world.env),
    behave,
    onArrival: (arrival) => world.stdout.write(format(arrival)),
  })
  const server = await listen(receiver, port)
  world.stderr.write(`listening on ${server.url}, for this machine only: subjects are printed here\n`)
  await stopped
  await server.close()
}
