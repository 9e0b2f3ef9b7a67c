import { compactDecrypt } from 'jose'
import { isObject, Place } from './check.ts'
import { contentEncryption, type EncryptionAlgorithm } from './encryption-algorithm.ts'
import { readPublicHalf } from './encryption-key.ts'
import { InvalidKeysError, type Problem } from './error.ts'
import { importMembers, privateMembers, publicMembers } from './key-material.ts'

/** A checked private key of a receiver. */
export interface DecryptionKey {
  readonly kid: string
  readonly alg: EncryptionAlgorithm
  readonly decrypt: (jwe: string) => Promise<string>
}

/** A receiver's own private keys. While it changes keys there is the one before as well, for what is still on its way. */
export interface DecryptionKeys {
  readonly keys: readonly DecryptionKey[]
}

/**
 * Loads a receiver's private JWK set (an object or its JSON text) to decrypt with.
 *
 * Every key decrypts once to prove that it matches its public half. What {@link loadEncryptionKey} accepts is accepted.
 *
 * @throws {@link InvalidKeysError} listing every problem, with no key material in it.
 */
export async function loadDecryptionKeys(jwks: string | { readonly keys: readonly object[] }): Promise<DecryptionKeys> {
  const problems: Problem[] = []
  const list = new Place('keys', 'RFC 7517 §5', problems)
  const keys: DecryptionKey[] = []
  const entries = entriesOf(jwks)
  if (entries.length === 0) list.refuse('must be an array of at least one JWK')
  for (const [index, entry] of entries.entries()) {
    const at = list.element(index)
    const key = await readDecryptionKey(entry, at)
    if (key === undefined) continue
    if (keys.some(({ kid }) => kid === key.kid)) at.member('kid').refuse('must not repeat')
    keys.push(key)
  }
  if (problems.length > 0) throw new InvalidKeysError(problems)
  return { keys }
}

// The error of JSON.parse quotes the text, so it is dropped.
function entriesOf(jwks: unknown): readonly unknown[] {
  try {
    const set: unknown = typeof jwks === 'string' ? JSON.parse(jwks) : jwks
    return isObject(set) && Array.isArray(set['keys']) ? set['keys'] : []
  } catch {
    return []
  }
}

async function readDecryptionKey(jwk: unknown, place: Place): Promise<DecryptionKey | undefined> {
  if (!isObject(jwk)) return place.refuse('must be a JWK object')
  const half = await readPublicHalf(jwk, place)
  if (half === undefined) return undefined
  const { kid, alg } = half.jwk
  if (jwk['d'] === undefined) return place.member('d').refuse('must be there: only a private key decrypts')
  const key = await importMembers(jwk, [...publicMembers, ...privateMembers], alg)
  if (key === undefined) return place.under('RFC 7518 §6').refuse('must have well-formed private members')
  const decrypt = async (jwe: string) => {
    const { plaintext } = await compactDecrypt(jwe, key, {
      keyManagementAlgorithms: [alg],
      contentEncryptionAlgorithms: [contentEncryption],
    })
    return Buffer.from(plaintext).toString()
  }
  const matches = await half
    .encrypt(kid, {})
    .then(decrypt)
    .then(
      (text) => text === kid,
      () => false,
    )
  return matches ? { kid, alg, decrypt } : place.refuse('must have a private half that matches the public one')
}
