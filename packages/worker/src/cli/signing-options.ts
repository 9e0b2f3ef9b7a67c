import type { Command } from 'commander'
import { createOutbox, type Outbox } from 'risc-outbox'
import { InvalidKeysError, loadSigningKeys, type SigningKeys } from 'risc-set'
import type { Environment } from '../config.ts'
import { MisuseError } from './command-error.ts'

/** What a command needs to sign as the IdP does. */
export interface SigningOptions {
  readonly issuer?: string
  readonly keysEnv?: string
}

/** What a command's help says of them. */
export const SIGNING_HELP = `
A worker holds no key. To tell the receiver, give --issuer and --keys-env on a machine that may hold the IdP's keys; the
first private key signs. Or have the IdP do it, by outbox.setStreamStatus and outbox.verifyStream.
`

/** Adds the options for a command that signs. */
export function addSigningOptions(command: Command): Command {
  return command
    .option('--issuer <url>', 'the IdP, byte for byte as its SETs name it')
    .option('--keys-env <name>', 'the environment variable that holds the private JWK set of the IdP')
}

/** The IdP's name and keys. */
export interface Signing {
  readonly issuer: string
  readonly keys: SigningKeys
}

/**
 * Sets up the IdP's outbox for one command, or `undefined` if it was not given the keys.
 *
 * @throws {@link MisuseError} that never quotes a key.
 */
export async function readOutbox(options: SigningOptions, env: Environment): Promise<Outbox | undefined> {
  const signing = await readSigning(options, env)
  return signing && createOutbox(signing)
}

/**
 * Loads the IdP's keys for one command, or `undefined` if it was not given them.
 *
 * @throws {@link MisuseError} that never quotes a key; its `cause` is what is wrong with the key set, if that is it.
 */
export async function readSigning({ issuer, keysEnv }: SigningOptions, env: Environment): Promise<Signing | undefined> {
  if (issuer === undefined && keysEnv === undefined) return undefined
  if (issuer === undefined || keysEnv === undefined) throw new MisuseError('--issuer and --keys-env go together')
  if (!URL.canParse(issuer)) throw new MisuseError('--issuer is not a URL')
  return { issuer, keys: await readKeys(keysEnv, env) }
}

/** Whoever gives the keys themselves must not find them in the output as well. */
async function readKeys(name: string, env: Environment): Promise<SigningKeys> {
  if (!/^\w{1,64}$/.test(name)) throw new MisuseError('--keys-env takes the name of an environment variable')
  const jwks = env[name]
  if (jwks === undefined || jwks.trim() === '') throw new MisuseError(`--keys-env: ${name} is not set`)
  try {
    return await loadSigningKeys(jwks)
  } catch (error) {
    if (!(error instanceof InvalidKeysError)) throw error
    throw new MisuseError(`--keys-env: ${name}: ${error.message}`, { cause: error })
  }
}
