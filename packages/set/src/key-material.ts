import type { webcrypto } from 'node:crypto'
import { importJWK } from 'jose'
import type { Place } from './check.ts'

/** The members of a JWK that are its public half. */
export const publicMembers: readonly string[] = ['kty', 'crv', 'x', 'y', 'n', 'e']

/** The members of a JWK that are its private half. */
export const privateMembers: readonly string[] = ['d', 'p', 'q', 'dp', 'dq', 'qi']

/**
 * Imports these members of a JWK as a key for `alg`; gives nothing where they make none. What a failed import throws may
 * quote the JWK, so it is dropped.
 */
export async function importMembers(
  jwk: Readonly<Record<string, unknown>>,
  names: readonly string[],
  alg: string,
): Promise<webcrypto.CryptoKey | undefined> {
  const members = Object.fromEntries(names.filter((name) => jwk[name] !== undefined).map((name) => [name, jwk[name]]))
  const key = await importJWK(members, alg).catch(() => undefined)
  return key instanceof Uint8Array ? undefined : key
}

/** Notes at `place` why an RSA key is too weak. */
export function refuseWeak({ algorithm }: webcrypto.CryptoKey, place: Place): void {
  const { modulusLength, publicExponent } = algorithm as Partial<webcrypto.RsaHashedKeyAlgorithm>
  if (modulusLength === undefined || publicExponent === undefined) return
  if (modulusLength < 2048) place.member('n').refuse('must be a modulus of at least 2048 bits')
  // An exponent of 1 makes every padded message its own signature, and leaves one that is encrypted as it is.
  if (Buffer.from(publicExponent).toString('hex').replace(/^0+/, '') === '1') place.member('e').refuse('must not be 1')
}
