import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { calculateJwkThumbprint } from 'jose'
import { InvalidKeysError, loadDecryptionKeys, loadEncryptionKey } from 'risc-set'
import { describe, expect, test } from 'vitest'
import { encryptionJwks, kinds } from './encryption-fixture.ts'
import { jwkOf, privateJwks, publicHalf } from './fixture.ts'

const rsa = encryptionJwks['RSA-OAEP-256']
const ec = encryptionJwks['ECDH-ES']

async function problemsOf(loading: Promise<unknown>): Promise<string> {
  const error = await loading.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof InvalidKeysError)
    return error.problems.map(({ path, message }) => `${path} ${message}`).join('; ')
  throw new Error('was not refused', { cause: error })
}

describe('a key to encrypt to', () => {
  test.for(kinds)('is read from an object or its JSON, and keeps no more than it needs: %s', async (kind) => {
    const jwk = publicHalf(encryptionJwks[kind])
    const expected = { ...jwk, use: 'enc' }
    expect((await loadEncryptionKey({ ...jwk, key_ops: [], x5c: ['…'] })).jwk).toEqual(expected)
    expect((await loadEncryptionKey(JSON.stringify(jwk))).jwk).toEqual(expected)
  })

  test('gets a name and an algorithm where it has none', async () => {
    const { kid: _kid, alg: _alg, ...bare } = publicHalf(ec) as Record<string, string>
    const kid = await calculateJwkThumbprint(bare, 'sha256')
    expect((await loadEncryptionKey(bare)).jwk).toMatchObject({ kid, alg: 'ECDH-ES' })
  })

  test.for<[string, unknown, string]>([
    ['no JWK', '{"kty":', 'jwk must be a JWK object'],
    ['a JWK set', { keys: [publicHalf(ec)] }, 'jwk must be an RSA, P-256, P-384 or X25519 key'],
    ['a private key', rsa, 'jwk.d must not be there: only the receiver may have the private key'],
    ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0' }, 'jwk.kty must not be symmetric'],
    ['a key to sign with', { ...publicHalf(ec), use: 'sig' }, 'jwk.use must be "enc"'],
    ['an Ed25519 key', publicHalf(privateJwks.EdDSA), 'jwk must be an RSA, P-256, P-384 or X25519 key'],
    ['RSA1_5, which leaks by its errors', { ...publicHalf(rsa), alg: 'RSA1_5' }, 'jwk.alg must be RSA-OAEP-256'],
    [
      'an algorithm of another kind',
      { ...publicHalf(ec), alg: 'RSA-OAEP-256' },
      'jwk.alg must be ECDH-ES or ECDH-ES+A256KW',
    ],
    [
      'a point that is not on the curve',
      { ...publicHalf(ec), y: publicHalf(ec).x },
      'jwk must have well-formed public members',
    ],
    [
      'a point of small order',
      { kty: 'OKP', crv: 'X25519', x: 'A'.repeat(43) },
      'jwk must be a key one can encrypt to',
    ],
    ['an exponent of 1', { ...publicHalf(rsa), e: 'AQ' }, 'jwk.e must not be 1'],
  ])('is refused: %s', async ([, jwk, message]) => {
    expect(await problemsOf(loadEncryptionKey(jwk as object))).toContain(message)
  })

  test('is refused: 1024 bits of RSA', async () => {
    const weak = publicHalf(jwkOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey))
    expect(await problemsOf(loadEncryptionKey(weak))).toContain('jwk.n must be a modulus of at least 2048 bits')
  })
})

describe('keys to decrypt with', () => {
  test('are refused: none, public ones, halves that do not match, a name twice', async () => {
    const other = jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
    expect(await problemsOf(loadDecryptionKeys('{"keys":'))).toContain('keys must be an array of at least one JWK')
    expect(await problemsOf(loadDecryptionKeys({ keys: [publicHalf(ec)] }))).toContain('keys[0].d must be there')
    const { n } = jwkOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey)
    expect(await problemsOf(loadDecryptionKeys({ keys: [{ ...ec, d: other.d }] }))).toMatch(/keys\[0\] must have/)
    expect(await problemsOf(loadDecryptionKeys({ keys: [{ ...rsa, n }] }))).toBe(
      'keys[0] must have a private half that matches the public one',
    )
    expect(await problemsOf(loadDecryptionKeys({ keys: [ec, { ...rsa, kid: ec.kid }] }))).toContain(
      'keys[1].kid must not repeat',
    )
  })

  test('show no private member when printed or serialized, nor do errors', async () => {
    const keys = await loadDecryptionKeys({ keys: [rsa, ec] })
    const error: unknown = await loadEncryptionKey(rsa).catch((thrown: unknown) => thrown)
    const shown = [keys, error].map((value) => `${inspect(value, { depth: 9 })}${JSON.stringify(value)}`).join()
    for (const secret of [rsa.d, rsa.p, ec.d]) expect(shown).not.toContain(secret)
  })
})
