import type { Command } from 'commander'
import { readConnectionConfig, readCredentialConfig } from '../../config.ts'
import { bindCredential } from '../../credential-binding.ts'
import { CommandFailedError, MisuseError } from '../command-error.ts'
import { requireEndpoint } from '../connection-options.ts'
import { CREDENTIAL_HELP, readCredential, storeSecret } from '../credential-options.ts'
import { withDatabase } from '../database.ts'
import { addEncryptionOption, type EncryptionOptions, readEncryptionColumn } from '../encryption-option.ts'
import { printJson } from '../json.ts'
import { addOAuthOptions, OAUTH_HELP, type OAuthOptions, readTokenRequestColumn } from '../oauth-options.ts'
import { insertStream } from '../queries/streams.ts'
import { addSettingOptions, readStreamSettings, type StreamSettingOptions } from '../stream-settings.ts'
import type { World } from '../world.ts'

interface StreamAddOptions extends StreamSettingOptions, OAuthOptions, EncryptionOptions {
  readonly url: string
  readonly json?: true
}

const EXAMPLES = `
Examples:
  $ risc-worker stream add partner-a --url https://partner-a.example/events
  $ risc-worker stream add partner-b --url https://partner-b.example/events \\
      --events account-disabled,account-enabled --max-age 72h \\
      --retry-delays 10s,1m,10m,1h
  $ PARTNER_C='Bearer …' risc-worker stream add partner-c --profile login.gov \\
      --url https://partner-c.example/events --audience urn:partner-c \\
      --authorization-env PARTNER_C
  $ risc-worker stream add partner-d --url https://partner-d.example/events \\
      --encrypt-to partner-d.jwk.json
  $ PARTNER_E='client secret' risc-worker stream add partner-e \\
      --url https://partner-e.example/events --authorization-env PARTNER_E \\
      --oauth-token-url https://login.partner-e.example/token \\
      --oauth-client-id risc --oauth-scope ssf.write
  $ risc-worker stream add inside --url https://events.inside.example:8443/ \\
      --allow-port 8443 --allow-network 10.20.0.0/16 --ca inside-ca.pem \\
      --client-certificate worker.pem --client-key worker.key
`

export function addStreamAddCommand(stream: Command, world: World): void {
  addEncryptionOption(addOAuthOptions(addSettingOptions(stream.command('add'), { isNew: true })))
    .description('add a stream')
    .argument('<id>', 'its name: up to 64 of A-Z a-z 0-9 . _ ~ -')
    .option('--json', 'print one JSON document')
    .addHelpText('after', CREDENTIAL_HELP + OAUTH_HELP + EXAMPLES)
    .action((id: string, options: StreamAddOptions) => add(id, options, world))
}

async function add(id: string, options: StreamAddOptions, world: World): Promise<void> {
  const { databaseUrl, ...network } = readConnectionConfig(world.env)
  if (!/^[A-Za-z0-9._~-]{1,64}$/.test(id)) throw new MisuseError('<id> must be 1 to 64 of A-Z a-z 0-9 . _ ~ -')
  const { url, oauthTokenUrl: tokenUrl, json } = options
  const { keys } = readCredentialConfig(world.env)
  const settings = await readStreamSettings(options, { streamId: id, keys })
  const given = readCredential(options, world.env)
  const isGiven = given !== undefined
  const oauth = readTokenRequestColumn(options, { isGiven, isTakenAway: false })
  const encryption = await readEncryptionColumn(options)
  const binding = bindCredential(id, { endpointUrl: url, tokenEndpoint: tokenUrl })
  const credential = given && (await storeSecret(given, binding, keys))
  const stream = {
    audience: [url],
    ...settings,
    ...oauth,
    ...encryption,
    endpoint_url: url,
    id,
    credential: credential ?? null,
  }
  await requireEndpoint(stream, network)
  if (tokenUrl !== undefined) await requireEndpoint({ ...stream, endpoint_url: tokenUrl }, network, '--oauth-token-url')
  const added = await withDatabase(databaseUrl, (db) => insertStream(db, stream))
  if (!added) throw new CommandFailedError(`there is a stream ${id} already`)
  if (json) printJson(world.stdout, { added: id })
  else world.stdout.write(`stream ${id} added\n`)
}
