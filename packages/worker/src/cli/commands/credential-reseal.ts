import type { Command } from 'commander'
import { readConnectionConfig, readCredentialConfig } from '../../config.ts'
import type { SealedCause } from '../../sealed-credential.ts'
import { CommandFailedError, MisuseError } from '../command-error.ts'
import { withDatabase } from '../database.ts'
import { printJson } from '../json.ts'
import { type LeftSealed, resealAll } from '../resealing.ts'
import type { World } from '../world.ts'

const HELP = `
Seals every credential anew that another key than the first one sealed. Streams go on meanwhile. Give it the same keys as the
workers: the new one first, the old ones behind it. Exits 1 while anything is sealed by another key, and says why.

Examples:
  $ RISC_CREDENTIAL_KEYS_FILE=credential-keys.json risc-worker credential reseal
`

export function addCredentialResealCommand(credential: Command, world: World): void {
  credential
    .command('reseal')
    .description('seal every credential with the first key')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((options: { readonly json?: true }) => reseal(options, world))
}

async function reseal({ json }: { readonly json?: true }, world: World): Promise<void> {
  const { databaseUrl } = readConnectionConfig(world.env)
  const { keys } = readCredentialConfig(world.env)
  const { active } = keys
  if (active === undefined) throw new MisuseError('there is no key to seal with: set RISC_CREDENTIAL_KEYS_FILE')
  const { resealed, left } = await withDatabase(databaseUrl, (db) => resealAll(db, { keys, active }))
  if (json) printJson(world.stdout, { kid: active.kid, resealed, left })
  else world.stdout.write(`${resealed} sealed anew with key ${active.kid}\n`)
  if (left.length > 0) throw new CommandFailedError(`not sealed anew:\n${left.map(explain).join('\n')}`)
}

function explain({ cause, by, count, stream_ids }: LeftSealed): string {
  const key = by === null ? 'no key that has a name' : `key ${by}`
  const streams = `${stream_ids.join(', ')}${count > stream_ids.length ? ', …' : ''}`
  return `  ${streams}: ${count} by ${key}, ${CAUSES[cause]}`
}

const CAUSES: Readonly<Record<SealedCause, string>> = {
  no_such_key: 'which is not here',
  bound_elsewhere: 'for another stream or origin: give it anew, or say --keep-authorization (risc-worker stream set)',
  not_authentic: 'not as it was sealed: give it anew (risc-worker stream set)',
}
