import type { EncryptionKey } from './encryption-key.ts'

/**
 * Encrypts a signed SET for its receiver: a Nested JWT, signed first (RFC 8417 §5.1, RFC 7519 §11.2). It is another one
 * each time.
 *
 * The header says of the outside what the SET's own says of the inside (RFC 8725 §3.11), and `cty` that a JWT is within
 * (RFC 7519 §5.2).
 */
export function encryptSet(jwt: string, key: EncryptionKey): Promise<string> {
  return key.encrypt(jwt, { typ: 'secevent+jwt', cty: 'JWT' })
}
