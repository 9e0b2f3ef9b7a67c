import { readFile } from 'node:fs/promises'
import { InvalidKeysError, type IssuerKeys, loadSigningKeys, publicJwks } from 'risc-set'
import type { Environment } from '../../config.ts'
import { MisuseError } from '../command-error.ts'

/** Where the IdP's keys are, as options. */
export interface IssuerKeysOptions {
  readonly jwks?: string
  readonly keysEnv?: string
}

/**
 * Reads the keys to verify with: a JWK set in a file or a variable, of which only the public halves are used, or the URL
 * of one.
 *
 * @throws {@link MisuseError} that never quotes a key.
 */
export async function readIssuerKeys({ jwks, keysEnv }: IssuerKeysOptions, env: Environment): Promise<IssuerKeys> {
  if ((jwks === undefined) === (keysEnv === undefined)) throw new MisuseError('give one of --jwks and --keys-env')
  if (keysEnv !== undefined) {
    if (!/^\w{1,64}$/.test(keysEnv)) throw new MisuseError('--keys-env takes the name of an environment variable')
    const text = env[keysEnv]
    if (text === undefined || text.trim() === '') throw new MisuseError(`--keys-env: ${keysEnv} is not set`)
    return readJwks(text, `--keys-env: ${keysEnv}`)
  }
  const place = jwks ?? ''
  if (/^https?:\/\//.test(place)) return readUrl(place)
  const text = await readFile(place, 'utf8').catch(() => {
    throw new MisuseError('--jwks is neither a URL nor a file that can be read')
  })
  return readJwks(text, '--jwks')
}

function readUrl(place: string): URL {
  if (!URL.canParse(place)) throw new MisuseError('--jwks is not a URL')
  return new URL(place)
}

async function readJwks(text: string, source: string): Promise<IssuerKeys> {
  const keys = readKeys(text)
  if (keys === undefined) throw new MisuseError(`${source} is not a JWK set: {"keys":[…]}`)
  if (!keys.some((key) => 'd' in key)) return { keys }
  try {
    return publicJwks(await loadSigningKeys({ keys }))
  } catch (error) {
    if (!(error instanceof InvalidKeysError)) throw error
    throw new MisuseError(`${source}: ${error.message}`)
  }
}

function readKeys(text: string): readonly object[] | undefined {
  try {
    const { keys } = JSON.parse(text)
    return Array.isArray(keys) && keys.every((key) => typeof key === 'object' && key !== null) ? keys : undefined
  } catch {
    return undefined
  }
}
