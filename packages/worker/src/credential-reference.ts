import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { Environment } from './config.ts'
import { type OpenedCredential, unavailable } from './sealed-credential.ts'

/** A credential that a worker reads itself, whenever it needs it: the database holds its name alone. */
export interface CredentialReference {
  readonly source: 'file' | 'env'
  readonly name: string
  /** Where it may be sent to, as when it was given. */
  readonly origins: string
}

/** Where workers read. Whoever may write a stream's row can name nothing else of theirs. */
export interface CredentialSources {
  /** Files of this directory whose names end in {@link FILE_SUFFIX}: it may hold other secrets too, as systemd's does. */
  readonly directory: string | undefined
  /** Variables that begin with {@link VARIABLE_PREFIX} alone. */
  readonly env: Environment
}

/** What the name of every file ends in that a stream may refer to. */
export const FILE_SUFFIX = '.credential'
/** What the name of every variable begins with that a stream may refer to. */
export const VARIABLE_PREFIX = 'RISC_CREDENTIAL_VALUE_'

const LARGEST = 65_536
const REFERENCE = /^(?:(file):([\w-][\w.-]{0,88}\.credential)|(env):(RISC_CREDENTIAL_VALUE_\w{1,78}))@([ -~]*)$/

/** Writes a reference as the database holds it, such as `file:partner-a.credential@https://partner-a.example`. */
export function writeReference({ source, name, origins }: CredentialReference): string {
  return `${source}:${name}@${origins}`
}

/** Reads what {@link writeReference} wrote; `undefined` for anything else, such as a sealed credential. */
export function parseReference(stored: string): CredentialReference | undefined {
  const [, file, fileName = '', env, variable = '', origins = ''] = REFERENCE.exec(stored) ?? []
  if (file !== undefined) return { source: 'file', name: fileName, origins }
  return env === undefined ? undefined : { source: 'env', name: variable, origins }
}

/** Reads what a reference names, without the one line break at its end. Never rejects. */
export async function readReference(
  { source, name }: CredentialReference,
  { directory, env }: CredentialSources,
): Promise<OpenedCredential> {
  if (source === 'env') {
    const value = env[name]
    return value === undefined ? unavailable('not_found') : usable(value)
  }
  return directory === undefined ? unavailable('not_configured') : readFileIn(directory, name)
}

/** Kubernetes mounts secrets as links within the directory, so links are followed, but to nowhere outside of it. */
async function readFileIn(directory: string, name: string): Promise<OpenedCredential> {
  try {
    const [within, path] = await Promise.all([realpath(directory), realpath(join(directory, name))])
    if (!path.startsWith(within.endsWith(sep) ? within : within + sep)) return unavailable('not_readable')
    // Nobody is waited for who has yet to write to a pipe.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const stats = await file.stat()
      if (!stats.isFile() || stats.size > LARGEST) return unavailable('not_usable')
      return usable(await file.readFile('utf8'))
    } finally {
      await file.close()
    }
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    return unavailable(isMissing ? 'not_found' : 'not_readable')
  }
}

function usable(text: string): OpenedCredential {
  const value = text.replace(/\r?\n$/, '')
  return value.trim() === '' || value.length > LARGEST ? unavailable('not_usable') : { kind: 'opened', value }
}
