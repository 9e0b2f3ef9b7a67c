import type { webcrypto } from 'node:crypto'
import type { Place } from './check.ts'

/** The JWS algorithms SETs are signed and verified with: all asymmetric, one to a key (RFC 8725 §3.1). */
export type SigningAlgorithm = 'RS256' | 'PS256' | 'ES256' | 'ES384' | 'EdDSA' | 'Ed25519'

/** What an algorithm demands of its key, and its name in Web Crypto. */
export interface Algorithm {
  readonly kty: 'RSA' | 'EC' | 'OKP'
  readonly crv?: 'P-256' | 'P-384' | 'Ed25519'
  readonly webCrypto: webcrypto.AlgorithmIdentifier | webcrypto.RsaPssParams | webcrypto.EcdsaParams
}

/** Every supported algorithm; the first that fits a key is its default. */
export const algorithms: Readonly<Record<SigningAlgorithm, Algorithm>> = {
  RS256: { kty: 'RSA', webCrypto: 'RSASSA-PKCS1-v1_5' },
  PS256: { kty: 'RSA', webCrypto: { name: 'RSA-PSS', saltLength: 32 } },
  ES256: { kty: 'EC', crv: 'P-256', webCrypto: { name: 'ECDSA', hash: 'SHA-256' } },
  ES384: { kty: 'EC', crv: 'P-384', webCrypto: { name: 'ECDSA', hash: 'SHA-384' } },
  EdDSA: { kty: 'OKP', crv: 'Ed25519', webCrypto: 'Ed25519' },
  Ed25519: { kty: 'OKP', crv: 'Ed25519', webCrypto: 'Ed25519' },
}

/** The names of the supported algorithms. */
export const algorithmNames: readonly SigningAlgorithm[] = Object.keys(algorithms) as SigningAlgorithm[]

/** The algorithm a JWK is for: its `alg`, or the default for its kind. Notes at `place` why there is none. */
export function algorithmOf(jwk: Readonly<Record<string, unknown>>, place: Place): SigningAlgorithm | undefined {
  if (jwk['kty'] === 'oct') {
    return place.member('kty', 'RFC 8725 §3.1').refuse('must not be symmetric: whoever verifies could forge')
  }
  const fitting = algorithmNames.filter((name) => {
    const { kty, crv } = algorithms[name]
    return kty === jwk['kty'] && (crv === undefined || crv === jwk['crv'])
  })
  if (fitting.length === 0) return place.refuse('must be an RSA, P-256, P-384 or Ed25519 key')
  const alg = jwk['alg'] === undefined ? fitting[0] : fitting.find((name) => name === jwk['alg'])
  return alg ?? place.member('alg', 'RFC 8725 §3.1').refuse(`must be ${fitting.join(' or ')} for this key`)
}
