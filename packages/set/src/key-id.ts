import { createHash, createPublicKey } from 'node:crypto'
import { calculateJwkThumbprint, type JWK } from 'jose'

/**
 * How a key without a `kid` member gets one: `rfc7638` is the JWK thumbprint by SHA-256, `login.gov` the lower-case hex
 * SHA-256 of the DER `SEQUENCE { n, e }`, which RSA keys alone have.
 */
export type KeyIdRule = 'rfc7638' | 'login.gov'

/** The `kid` of a public key by `rule`; undefined where the rule has none for its kind. */
export async function keyId(publicJwk: JWK, rule: KeyIdRule): Promise<string | undefined> {
  if (rule === 'rfc7638') return calculateJwkThumbprint(publicJwk, 'sha256')
  if (publicJwk.kty !== 'RSA') return undefined
  const der = createPublicKey({ key: publicJwk, format: 'jwk' }).export({ type: 'pkcs1', format: 'der' })
  return createHash('sha256').update(der).digest('hex')
}
