import type { webcrypto } from 'node:crypto'
import { CompactEncrypt, exportJWK, type JWK } from 'jose'
import { filled, isObject, Place } from './check.ts'
import { contentEncryption, type EncryptionAlgorithm, encryptionAlgorithmOf } from './encryption-algorithm.ts'
import { InvalidKeysError, type Problem } from './error.ts'
import { keyId } from './key-id.ts'
import { importMembers, privateMembers, publicMembers, refuseWeak } from './key-material.ts'

/** A receiver's public key as it is kept: with `kid` and `alg`, and no private member. */
export interface PublicEncryptionJwk extends JWK {
  readonly kid: string
  readonly alg: EncryptionAlgorithm
  readonly use: 'enc'
}

/** A checked public key of a receiver. */
export interface EncryptionKey {
  readonly jwk: PublicEncryptionJwk
  /** Encrypts a text, as a compact JWE with these members in its header beside those that say how. */
  readonly encrypt: (text: string, header: { readonly typ?: string; readonly cty?: string }) => Promise<string>
}

/**
 * Loads the public key that a receiver has its SETs encrypted to: a JWK, as an object or its JSON text.
 *
 * RSA with at least 2048 bits, P-256, P-384 and X25519 are accepted. Its `alg` is RSA-OAEP-256, ECDH-ES (the default) or
 * ECDH-ES+A256KW; without a `kid` it gets its JWK thumbprint (RFC 7638).
 *
 * @throws {@link InvalidKeysError} listing every problem, with no key material in it; also for a private key, which
 *   nobody but the receiver may have.
 */
export async function loadEncryptionKey(jwk: string | object): Promise<EncryptionKey> {
  const problems: Problem[] = []
  const key = await readEncryptionKey(parse(jwk), new Place('jwk', 'RFC 7517 §4', problems))
  if (key === undefined || problems.length > 0) throw new InvalidKeysError(problems)
  return key
}

/** Reads the public half of a JWK, whose members are all that may be there; notes problems at `place`. */
export async function readPublicHalf(
  jwk: Readonly<Record<string, unknown>>,
  place: Place,
): Promise<EncryptionKey | undefined> {
  if (jwk['use'] !== undefined && jwk['use'] !== 'enc') place.member('use').refuse('must be "enc"')
  const alg = encryptionAlgorithmOf(jwk, place)
  if (alg === undefined) return undefined
  const key = await importMembers(jwk, publicMembers, alg)
  if (key === undefined) return place.under('RFC 7518 §6').refuse('must have well-formed public members')
  refuseWeak(key, place.under('RFC 7518 §4.3'))
  const bare = await exportJWK(key)
  const kid = jwk['kid'] === undefined ? await keyId(bare, 'rfc7638') : filled(jwk['kid'], place.member('kid'))
  if (kid === undefined) return undefined
  return { jwk: { ...bare, kid, alg, use: 'enc' }, encrypt: encryptor(key, kid, alg) }
}

async function readEncryptionKey(jwk: unknown, place: Place): Promise<EncryptionKey | undefined> {
  if (!isObject(jwk)) return place.refuse('must be a JWK object')
  for (const name of [...privateMembers, 'oth', 'k'].filter((member) => jwk[member] !== undefined)) {
    place.member(name).refuse('must not be there: only the receiver may have the private key')
  }
  const key = await readPublicHalf(jwk, place)
  // A point of small order can be imported; the secret it agrees on is known to everybody, so using it fails.
  const works = key && (await key.encrypt('', {}).catch(() => undefined))
  return key && works === undefined ? place.under('RFC 7748 §6.1').refuse('must be a key one can encrypt to') : key
}

// The error of JSON.parse quotes the text, so it is dropped.
function parse(jwk: string | object): unknown {
  if (typeof jwk !== 'string') return jwk
  try {
    return JSON.parse(jwk)
  } catch {
    return undefined
  }
}

function encryptor(key: webcrypto.CryptoKey, kid: string, alg: EncryptionAlgorithm): EncryptionKey['encrypt'] {
  return (text, header) =>
    new CompactEncrypt(Buffer.from(text))
      .setProtectedHeader({ ...header, kid, alg, enc: contentEncryption })
      .encrypt(key)
}
