import { isDeepStrictEqual } from 'node:util'
import type { Command } from 'commander'
import type { Kysely } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import { type NetworkConfig, readConnectionConfig, readCredentialConfig } from '../../config.ts'
import { originOf } from '../../credential-binding.ts'
import type { CredentialMeans } from '../../credential-reader.ts'
import { CommandFailedError, MisuseError } from '../command-error.ts'
import { requireEndpoint } from '../connection-options.ts'
import { CREDENTIAL_HELP, type GivenSecret, readCredential } from '../credential-options.ts'
import { withDatabase } from '../database.ts'
import { addEncryptionOption, type EncryptionOptions, readEncryptionColumn } from '../encryption-option.ts'
import { printJson } from '../json.ts'
import {
  addOAuthOptions,
  isOAuthNamed,
  OAUTH_HELP,
  type OAuthOptions,
  readTokenRequestColumn,
} from '../oauth-options.ts'
import { readStoredCredential, readStream, type Stream, type StreamUpdate, updateStream } from '../queries/streams.ts'
import { bindAnew } from '../rebind-credential.ts'
import { requireStream } from '../require-stream.ts'
import {
  addSettingOptions,
  readStreamSettings,
  type StreamSettingOptions,
  type StreamSettings,
} from '../stream-settings.ts'
import { describeSettings } from '../stream-text.ts'
import { formatTable } from '../table.ts'
import type { World } from '../world.ts'

interface StreamSetOptions extends StreamSettingOptions, OAuthOptions, EncryptionOptions {
  /** `false` by `--no-authorization`. */
  readonly authorization: boolean
  readonly keepAuthorization?: true
  readonly json?: true
}

/** What a command was asked to change, and what it takes. */
interface Wish {
  readonly given: StreamSettings
  readonly secret: GivenSecret | undefined
  readonly options: StreamSetOptions
  readonly network: NetworkConfig
  readonly credentials: CredentialMeans
}

const DECIDES_WHERE_TO = ['endpoint_url', 'allowed_networks', 'allowed_ports']

const HELP = `
Prints what changed. Workers go by it at once; what is in flight at that moment is still sent as before, and what was
enqueued already stays as it was written. A new URL, credential or timeout has a stream tried at once whose breaker is open.

A credential is not sent to another origin unless somebody says so: with such a URL give a new one, --no-authorization or
--keep-authorization.
${CREDENTIAL_HELP}${OAUTH_HELP}
Examples:
  $ risc-worker stream set partner-a --max-in-flight 10 --rate-limit 300
  $ risc-worker stream set partner-a --events account-disabled,account-enabled
  $ PARTNER_A='Bearer …' risc-worker stream set partner-a \\
      --url https://new.partner-a.example/events --authorization-env PARTNER_A
  $ risc-worker stream set partner-e --oauth-scope 'ssf.write ssf.read'
`

export function addStreamSetCommand(stream: Command, world: World): void {
  addEncryptionOption(addOAuthOptions(addSettingOptions(stream.command('set'), { isNew: false })))
    .description('change the settings of a stream')
    .argument('<id>', 'the stream')
    .option('--no-authorization', 'send no Authorization header')
    .option('--no-oauth', 'send the credential itself, which has to be given anew')
    .option('--no-ca', 'trust the authorities of the system')
    .option('--no-client-certificate', 'show no client certificate')
    .option('--keep-authorization', 'send the Authorization header to the new URL’s origin too')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((id: string, options: StreamSetOptions) => set(id, options, world))
}

async function set(id: string, options: StreamSetOptions, world: World): Promise<void> {
  const { databaseUrl, ...network } = readConnectionConfig(world.env)
  const problem = misuse(options)
  if (problem !== undefined) throw new MisuseError(problem)
  const credentials = readCredentialConfig(world.env)
  const given = {
    ...(await readStreamSettings(options, { streamId: id, keys: credentials.keys })),
    ...(!options.authorization && { credential: null }),
    ...(await readEncryptionColumn(options)),
  }
  const secret = readCredential(options, world.env)
  if (Object.keys(given).length === 0 && secret === undefined && !isOAuthNamed(options)) {
    throw new MisuseError('nothing to set: --help tells what can be')
  }
  const wish: Wish = { given, secret, options, network, credentials }
  const update = await withDatabase(databaseUrl, (db) => change(db, id, wish))
  const renewed = secret !== undefined && update.before.has_authorization
  if (options.json) printJson(world.stdout, { stream_id: id, changed: changes(update), authorization_renewed: renewed })
  else world.stdout.write(formatChanges(update, renewed))
  warnOfAudience(update, world)
}

function misuse(options: StreamSetOptions): string | undefined {
  const { url, oauthTokenUrl, authorization, keepAuthorization } = options
  const isGiven = options.authorizationEnv !== undefined || options.authorizationReference !== undefined
  if (keepAuthorization && url === undefined && oauthTokenUrl === undefined) {
    return '--keep-authorization goes with --url or --oauth-token-url'
  }
  if ([isGiven, !authorization, keepAuthorization].filter(Boolean).length > 1) {
    return 'give only one of --authorization-env (or --authorization-reference), --no-authorization and --keep-authorization'
  }
  return undefined
}

async function change(
  db: Kysely<OutboxDatabase>,
  id: string,
  { given, secret, options, network, credentials }: Wish,
): Promise<StreamUpdate> {
  await requireStream(db, id)
  const stream = await readStream(db, id)
  const isTakenAway = given.credential === null
  const isGiven = secret !== undefined
  const tokenRequest = readTokenRequestColumn(options, { isGiven, isTakenAway }, stream.token_request)
  const stored = await readStoredCredential(db, id)
  const settings = {
    ...given,
    ...tokenRequest,
    ...(await bindAnew(stream, stored, { secret, options, credentials })),
  }
  await requireEndpoints(stream, { settings, options, network })
  const decided = options.keepAuthorization || isGiven || isTakenAway
  return updateStream(db, id, {
    settings,
    ...(options.keepAuthorization && { kept: stored }),
    allow(before, isKept) {
      const isMoved = settings.credential !== undefined && before.endpoint_url !== stream.endpoint_url
      if (!isKept || isMoved || !isDeepStrictEqual(before.token_request, stream.token_request)) {
        throw new CommandFailedError('somebody else changed the stream at this moment: see how it is, and try again')
      }
      if (decided || !before.has_authorization) return
      const tokenUrl = before.token_request?.token_endpoint
      const { url = before.endpoint_url, oauthTokenUrl = tokenUrl } = options
      if (isSameOrigin(url, before.endpoint_url) && isSameOrigin(oauthTokenUrl, tokenUrl)) return
      throw new CommandFailedError(
        'the URL is of another origin, and the credential was not given for it: add --authorization-env or --authorization-reference with a new one, --no-authorization or --keep-authorization',
      )
    },
  })
}

/** Judges the endpoints whose URL, or what the stream allows, is about to change. */
async function requireEndpoints(
  stream: Stream,
  { settings, options, network }: { settings: StreamSettings; options: StreamSetOptions; network: NetworkConfig },
): Promise<void> {
  const isAnywhereNew = DECIDES_WHERE_TO.some((column) => column in settings)
  if (isAnywhereNew) await requireEndpoint({ ...stream, ...settings }, network)
  const { oauth, oauthTokenUrl = isAnywhereNew ? stream.token_request?.token_endpoint : undefined } = options
  if (!oauth || oauthTokenUrl === undefined) return
  await requireEndpoint({ ...stream, ...settings, endpoint_url: oauthTokenUrl }, network, '--oauth-token-url')
}

const isSameOrigin = (a = '', b = ''): boolean => originOf(a) === originOf(b)

/** What is not as it was, by the names of the columns. */
function changes({ before, after }: StreamUpdate): Record<string, { readonly from: unknown; readonly to: unknown }> {
  const names = Object.keys(after) as (keyof Stream)[]
  const changed = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
  return Object.fromEntries(changed.map((name) => [name, { from: before[name], to: after[name] }]))
}

function formatChanges({ before, after }: StreamUpdate, renewed: boolean): string {
  const old = describeSettings(before)
  const rows = Object.entries(describeSettings(after))
    .map(([name, value]) => [name, old[name] ?? '', name === 'authorization' && renewed ? 'set anew' : value])
    .filter(([, from, to]) => from !== to)
  return rows.length === 0 ? 'all was set so already\n' : formatTable(['SETTING', 'BEFORE', 'AFTER'], rows)
}

/** The URL is the audience by default, and a receiver is strict about it. */
function warnOfAudience({ before, after }: StreamUpdate, world: World): void {
  if (before.endpoint_url === after.endpoint_url || !after.audience.includes(before.endpoint_url)) return
  world.stderr.write('the audience is still the old URL: --audience changes it, if the receiver wants another\n')
}
