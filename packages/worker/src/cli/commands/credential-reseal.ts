import type { Command } from 'commander'
import type { Kysely } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import { readConnectionConfig, readCredentialConfig } from '../../config.ts'
import type { CredentialKey, CredentialKeys } from '../../credential-keys.ts'
import { parseReference } from '../../credential-reference.ts'
import { kidOf, openSealed, sealCredential } from '../../sealed-credential.ts'
import { CommandFailedError, MisuseError } from '../command-error.ts'
import { withDatabase } from '../database.ts'
import { printJson } from '../json.ts'
import { listStoredCredentials, replaceStored } from '../queries/credentials.ts'
import type { World } from '../world.ts'

/** What sealing anew came to. */
interface Resealing {
  readonly kid: string
  readonly resealed: number
  /** How many credentials still need each other key. */
  readonly needed: Readonly<Record<string, number>>
}

const HELP = `
Seals every credential anew that another key than the first one sealed. Streams go on meanwhile. Give it the same keys as the
workers: the new one first, the old ones behind it. Exits 1 while anything still needs an old key, and says which.

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
  const done = await withDatabase(databaseUrl, (db) => resealAll(db, keys, active))
  if (json) printJson(world.stdout, { ...done })
  else world.stdout.write(`${done.resealed} sealed anew with key ${done.kid}\n`)
  const left = Object.entries(done.needed).map(([kid, count]) => `key ${kid} by ${count}`)
  if (left.length > 0) throw new CommandFailedError(`still needed: ${left.join(', ')}`)
}

async function resealAll(db: Kysely<OutboxDatabase>, keys: CredentialKeys, active: CredentialKey): Promise<Resealing> {
  let resealed = 0
  for (const credential of await listSealedByOthers(db, active)) {
    const opened = await openSealed(credential.stored, credential.binding, keys)
    if (opened.kind === 'unavailable') continue
    const renewed = await sealCredential(opened.value, credential.binding, active)
    if (await replaceStored(db, credential, renewed)) resealed++
  }
  const needed: Record<string, number> = {}
  for (const { stored } of await listSealedByOthers(db, active)) {
    const kid = kidOf(stored) ?? 'unknown'
    needed[kid] = (needed[kid] ?? 0) + 1
  }
  return { kid: active.kid, resealed, needed }
}

async function listSealedByOthers(db: Kysely<OutboxDatabase>, { kid }: CredentialKey) {
  const all = await listStoredCredentials(db, { enabledOnly: false })
  return all.filter(({ stored }) => parseReference(stored) === undefined && kidOf(stored) !== kid)
}
