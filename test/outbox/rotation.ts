import { generateKeyPairSync } from 'node:crypto'
import { loadSigningKeys, type SigningKeys } from 'risc-set'

/** The keys of an IdP through a rotation. */
export interface Rotation {
  /** The old key signs, and is all that is published. */
  readonly before: SigningKeys
  /** The new key signs, the old one is published still. */
  readonly during: SigningKeys
  /** The old key is gone. */
  readonly after: SigningKeys
}

/** Makes a rotation from a key `old` to a key `new`. */
export async function rotate(): Promise<Rotation> {
  const old = ellipticKey('old')
  const next = ellipticKey('new')
  return {
    before: await loadSigningKeys({ keys: [old.privateJwk] }),
    during: await loadSigningKeys({ keys: [next.privateJwk, old.publicJwk] }),
    after: await loadSigningKeys({ keys: [next.privateJwk] }),
  }
}

function ellipticKey(kid: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    privateJwk: { ...privateKey.export({ format: 'jwk' }), kid },
    publicJwk: { ...publicKey.export({ format: 'jwk' }), kid },
  }
}
