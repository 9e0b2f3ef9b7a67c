import { validateHeaderValue } from 'node:http'
import { type Command, InvalidArgumentError } from 'commander'
import type { Environment } from '../config.ts'
import type { CredentialBinding } from '../credential-binding.ts'
import type { CredentialKeys } from '../credential-keys.ts'
import { FILE_SUFFIX, parseReference, VARIABLE_PREFIX, writeReference } from '../credential-reference.ts'
import { sealCredential } from '../sealed-credential.ts'
import { MisuseError } from './command-error.ts'

/** A stream's credential as a command line says it. */
export interface CredentialOptions {
  readonly authorizationEnv?: string
  readonly authorizationReference?: SecretReference
}

/** Where workers find a secret themselves. */
export interface SecretReference {
  readonly source: 'file' | 'env'
  readonly name: string
}

/** A secret that a command was given: itself, or where workers find it. */
export type GivenSecret =
  | { readonly kind: 'value'; readonly value: string }
  | (SecretReference & { readonly kind: 'reference' })

/** Twice what most servers take of all headers together. */
const LONGEST_HEADER = 16_384

/** What a command's help says of the credential. */
export const CREDENTIAL_HELP: string = `
A credential is never an argument, since others can see a command line. --authorization-env reads it now, from a variable
of this command, and stores it sealed by the keys of RISC_CREDENTIAL_KEYS_FILE, which workers need too. With
--authorization-reference nothing is read now: file:NAME${FILE_SUFFIX} is a file in the RISC_CREDENTIALS_DIRECTORY of the
workers, and env:${VARIABLE_PREFIX}NAME a variable of theirs.
`

/** Adds the options that {@link readCredential} reads. */
export function addCredentialOptions(command: Command): Command {
  return command
    .option('--authorization-env <name>', 'the variable that holds the Authorization header now, to be sealed')
    .option('--authorization-reference <where>', 'where workers find the Authorization header', secretReference)
}

/** Reads an option that says where workers find a secret. */
export function secretReference(text: string): SecretReference {
  const reference = parseReference(`${text}@`)
  if (reference === undefined || text.includes('@')) {
    throw new InvalidArgumentError(`It must be file:NAME${FILE_SUFFIX} or env:${VARIABLE_PREFIX}NAME.`)
  }
  return { source: reference.source, name: reference.name }
}

/**
 * Reads the options; `undefined` if none was given.
 *
 * @throws {@link MisuseError} that never quotes a credential.
 */
export function readCredential(
  { authorizationEnv, authorizationReference }: CredentialOptions,
  env: Environment,
): GivenSecret | undefined {
  if (authorizationEnv !== undefined && authorizationReference !== undefined) {
    throw new MisuseError('give only one of --authorization-env and --authorization-reference')
  }
  if (authorizationReference !== undefined) return { kind: 'reference', ...authorizationReference }
  if (authorizationEnv === undefined) return undefined
  return { kind: 'value', value: readHeader(authorizationEnv, env[authorizationEnv]) }
}

/**
 * Writes a secret as the database holds it.
 *
 * @throws {@link MisuseError} if there is no key to seal it with.
 */
export async function storeSecret(
  given: GivenSecret,
  binding: CredentialBinding,
  { active }: CredentialKeys,
): Promise<string> {
  if (given.kind === 'reference') return writeReference({ ...given, origins: binding.origins })
  if (active !== undefined) return sealCredential(given.value, binding, active)
  throw new MisuseError(
    'there is no key to seal it with: make one with `risc-worker credential new-key`, and set RISC_CREDENTIAL_KEYS_FILE; or give a reference instead',
  )
}

/** Messages name the variable, never what it holds. */
function readHeader(name: string, value: string | undefined): string {
  if (value === undefined || value.trim() === '') throw new MisuseError(`--authorization-env: ${name} is not set`)
  if (value.length > LONGEST_HEADER) {
    throw new MisuseError(`--authorization-env: ${name} holds more than ${LONGEST_HEADER} characters`)
  }
  try {
    validateHeaderValue('authorization', value)
  } catch {
    throw new MisuseError(
      `--authorization-env: ${name} holds characters that no header can carry, such as a line break`,
    )
  }
  return value
}
