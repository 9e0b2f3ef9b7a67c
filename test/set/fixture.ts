import { generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto'
import { buildClaims, type ClaimsInput, InvalidEventError, type Problem, resolveEvent } from 'risc-set'

export const issuer = 'https://idp.example/'
export const audience = 'https://rp.example/events'
export const subject = { format: 'iss_sub', iss: issuer, sub: '8d31a4c1-agency-uuid' } as const

/** One private JWK of each kind. Made once per test file. */
export const privateJwks = {
  RS256: jwkOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
  PS256: { ...jwkOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey), alg: 'PS256' },
  ES256: jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
  ES384: jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey),
  EdDSA: jwkOf(generateKeyPairSync('ed25519').privateKey),
} as const

export type Algorithm = keyof typeof privateJwks

export const algorithms = Object.keys(privateJwks) as Algorithm[]

export function jwkOf(key: KeyObject): JsonWebKey {
  return key.export({ format: 'jwk' })
}

/** A JWK without its private members. */
export function publicHalf({ d, p, q, dp, dq, qi, ...rest }: JsonWebKey): JsonWebKey {
  return rest
}

/** The claims of a SET about `event`, which is account-purged unless said otherwise. */
export function claimsOf(input: Partial<ClaimsInput> = {}, event: unknown = { type: 'account-purged' }) {
  return buildClaims({
    profile: 'ssf',
    issuer,
    audience: [audience],
    jti: '3f1c0b0e6a0d4d0f9b7f6a2f0c1d2e3f',
    txn: 'f7a9',
    issuedAt: new Date(1_784_000_000_000),
    event: resolveEvent(event),
    subject,
    ...input,
  })
}

/** The problems of what `act` refuses; fails where it refuses nothing. */
export function problemsOf(act: () => unknown): readonly Problem[] {
  try {
    act()
  } catch (error) {
    if (error instanceof InvalidEventError) return error.problems
    throw error
  }
  throw new Error('nothing was refused')
}
