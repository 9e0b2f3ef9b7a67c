import type { Place } from './check.ts'

/** The JWE algorithms by which a SET's content key reaches the receiver: all asymmetric, one to a key (RFC 7518 §4). */
export type EncryptionAlgorithm = 'RSA-OAEP-256' | 'ECDH-ES' | 'ECDH-ES+A256KW'

/** What encrypts the SET itself (RFC 7518 §5.3). */
export const contentEncryption = 'A256GCM'

// The first that fits a key is its default.
const kinds: readonly (readonly [EncryptionAlgorithm, kty: string, crv?: string])[] = [
  ['RSA-OAEP-256', 'RSA'],
  ...['P-256', 'P-384'].flatMap((crv) => ecdh('EC', crv)),
  ...ecdh('OKP', 'X25519'),
]

/** The algorithm a JWK is for: its `alg`, or the default for its kind. Notes at `place` why there is none. */
export function encryptionAlgorithmOf(
  jwk: Readonly<Record<string, unknown>>,
  place: Place,
): EncryptionAlgorithm | undefined {
  if (jwk['kty'] === 'oct') {
    return place.member('kty', 'RFC 7518 §4').refuse('must not be symmetric: whoever encrypts could read')
  }
  const fitting = kinds
    .filter(([, kty, crv]) => kty === jwk['kty'] && (crv === undefined || crv === jwk['crv']))
    .map(([name]) => name)
  if (fitting.length === 0) return place.refuse('must be an RSA, P-256, P-384 or X25519 key')
  const alg = jwk['alg'] === undefined ? fitting[0] : fitting.find((name) => name === jwk['alg'])
  return alg ?? place.member('alg', 'RFC 7518 §4').refuse(`must be ${fitting.join(' or ')} for this key`)
}

function ecdh(kty: string, crv: string): readonly (readonly [EncryptionAlgorithm, string, string])[] {
  return [
    ['ECDH-ES', kty, crv],
    ['ECDH-ES+A256KW', kty, crv],
  ]
}
