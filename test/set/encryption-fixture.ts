import { generateKeyPairSync } from 'node:crypto'
import { jwkOf } from './fixture.ts'

/** One private JWK for each way to encrypt, named after it. Made once per test file. */
export const encryptionJwks = {
  'RSA-OAEP-256': {
    ...jwkOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
    kid: 'RSA-OAEP-256',
    alg: 'RSA-OAEP-256',
  },
  'ECDH-ES': {
    ...jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
    kid: 'ECDH-ES',
    alg: 'ECDH-ES',
  },
  'ECDH-ES+A256KW': {
    ...jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey),
    kid: 'ECDH-ES+A256KW',
    alg: 'ECDH-ES+A256KW',
  },
  X25519: { ...jwkOf(generateKeyPairSync('x25519').privateKey), kid: 'X25519', alg: 'ECDH-ES' },
} as const

export type Kind = keyof typeof encryptionJwks

export const kinds = Object.keys(encryptionJwks) as Kind[]
