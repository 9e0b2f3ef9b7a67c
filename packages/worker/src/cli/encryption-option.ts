import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { InvalidKeysError, loadEncryptionKey } from 'risc-set'
import { errorCode } from '../error-code.ts'
import { MisuseError } from './command-error.ts'

/** To whom SETs are encrypted, as a command line says it. */
export interface EncryptionOptions {
  readonly encryptTo?: string
}

/** The column that the option sets. */
export interface EncryptionColumn {
  readonly encryption_key?: string | null
}

/** Adds the option that {@link readEncryptionColumn} reads. */
export function addEncryptionOption(command: Command): Command {
  return command.option('--encrypt-to <file>', 'the receiver’s public JWK to encrypt its SETs to, or none')
}

/**
 * Reads and checks the JWK in the file that the option names; `none` has SETs signed alone again.
 *
 * @throws {@link MisuseError} that never quotes what the file holds: it may be a private key.
 */
export async function readEncryptionColumn({ encryptTo: file }: EncryptionOptions): Promise<EncryptionColumn> {
  if (file === undefined) return {}
  if (file === 'none') return { encryption_key: null }
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new MisuseError(`--encrypt-to cannot be read: ${errorCode(error)}`)
  })
  try {
    const { jwk } = await loadEncryptionKey(text)
    return { encryption_key: JSON.stringify(jwk) }
  } catch (error) {
    if (!(error instanceof InvalidKeysError)) throw error
    throw new MisuseError(`--encrypt-to: ${error.message}`)
  }
}
