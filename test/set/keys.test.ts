import { createHash, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { InvalidKeysError, loadSigningKeys, publicJwks, type SigningKeysOptions } from 'risc-set'
import { describe, expect, test } from 'vitest'
import { algorithms, jwkOf, privateJwks, publicHalf } from './fixture.ts'

const { RS256, ES256, ES384, EdDSA } = privateJwks

async function refusalOf(keys: readonly object[] | string, options?: SigningKeysOptions): Promise<InvalidKeysError> {
  const loaded = loadSigningKeys(typeof keys === 'string' ? keys : { keys }, options)
  const error = await loaded.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof InvalidKeysError) return error
  throw new Error('nothing was refused', { cause: error })
}

test.for(algorithms)('%s signs', async (alg) => {
  const keys = await loadSigningKeys({ keys: [privateJwks[alg]] })
  expect(keys.active.alg).toBe(alg)
})

test('a key set may come as JSON text', async () => {
  const keys = await loadSigningKeys(JSON.stringify({ keys: [ES256] }))
  expect(keys.active.alg).toBe('ES256')
})

describe('active, upcoming and retired keys', () => {
  const set = [publicHalf(RS256), { ...ES256, kid: 'now' }, { ...EdDSA, kid: 'next' }]

  test('the first private key signs, and is published first', async () => {
    const keys = await loadSigningKeys({ keys: set })
    expect(keys.active.kid).toBe('now')
    expect(publicJwks(keys).keys.map(({ alg }) => alg)).toEqual(['ES256', 'RS256', 'EdDSA'])
  })

  test('active names another', async () => {
    const keys = await loadSigningKeys({ keys: set }, { active: 'next' })
    expect(keys.active.kid).toBe('next')
    expect(publicJwks(keys).keys.map(({ alg }) => alg)).toEqual(['EdDSA', 'RS256', 'ES256'])
  })

  test('active must name a private key', async () => {
    const { problems } = await refusalOf([{ ...publicHalf(RS256), kid: 'old' }, ES256], { active: 'old' })
    expect(problems).toMatchObject([{ path: 'active', message: 'must name a key that can sign' }])
  })
})

test('what is published has public members, alg, use and kid, and nothing else', async () => {
  const keys = await loadSigningKeys({
    keys: [{ ...RS256, x5c: ['MIIC'], key_ops: ['sign'], note: 'internal' }, ES256, EdDSA],
  })
  const members = publicJwks(keys).keys.map((jwk) => Object.keys(jwk).sort())
  expect(members).toEqual([
    ['alg', 'e', 'kid', 'kty', 'n', 'use'],
    ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'],
    ['alg', 'crv', 'kid', 'kty', 'use', 'x'],
  ])
  expect(publicJwks(keys).keys[0]).toMatchObject({ n: RS256.n, e: RS256.e, alg: 'RS256', use: 'sig' })
})

describe('kid', () => {
  test('is the RFC 7638 thumbprint where the key has none: its own example', async () => {
    const example = {
      kty: 'RSA',
      n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw',
      e: 'AQAB',
    }
    const keys = await loadSigningKeys({ keys: [ES256, example] })
    expect(keys.published[1]?.kid).toBe('NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs')
  })

  test('is login.gov’s hex SHA-256 of the DER SEQUENCE { n, e } by option', async () => {
    const integer = (base64url: string | undefined) => {
      const bytes = Buffer.from(base64url ?? '', 'base64url')
      const positive = (bytes[0] ?? 0) > 127 ? Buffer.concat([Buffer.of(0), bytes]) : bytes
      return Buffer.concat([Buffer.of(0x02), lengthOf(positive), positive])
    }
    const lengthOf = ({ length }: Buffer) =>
      length < 128 ? Buffer.of(length) : Buffer.of(0x82, length >> 8, length & 255)
    const content = Buffer.concat([integer(RS256.n), integer(RS256.e)])
    const der = Buffer.concat([Buffer.of(0x30), lengthOf(content), content])

    const keys = await loadSigningKeys({ keys: [RS256] }, { kid: 'login.gov' })
    expect(keys.active.kid).toBe(createHash('sha256').update(der).digest('hex'))
  })

  test('by login.gov’s rule is for RSA keys only', async () => {
    const { problems } = await refusalOf([ES256], { kid: 'login.gov' })
    expect(problems).toMatchObject([{ path: 'keys[0].kid' }])
  })

  test('as a member of the key wins', async () => {
    const keys = await loadSigningKeys({ keys: [{ ...RS256, kid: 'mine' }] }, { kid: 'login.gov' })
    expect(keys.active.kid).toBe('mine')
  })

  test.for(['', 7, null, 'a\0'])('must be a text that is not empty: %j', async (kid) => {
    const { problems } = await refusalOf([{ ...ES256, kid }])
    expect(problems).toMatchObject([{ path: 'keys[0].kid' }])
  })

  test('must not repeat', async () => {
    const { problems } = await refusalOf([
      { ...ES256, kid: 'a' },
      { ...EdDSA, kid: 'a' },
    ])
    expect(problems).toMatchObject([{ path: 'keys[1].kid', message: 'must not repeat' }])
  })
})

describe('refused at load', () => {
  const short = jwkOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey)
  const otherEc = jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
  const otherRsa = jwkOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)
  const otherEd = jwkOf(generateKeyPairSync('ed25519').privateKey)
  const without = (jwk: JsonWebKey, member: string) =>
    Object.fromEntries(Object.entries(jwk).filter(([name]) => name !== member))

  test.for<[string, object | null, string]>([
    ['an HMAC key', { kty: 'oct', k: 'c2VjcmV0', alg: 'HS256' }, 'keys[0].kty'],
    ['alg none', { ...RS256, alg: 'none' }, 'keys[0].alg'],
    ['an HMAC algorithm', { ...RS256, alg: 'HS256' }, 'keys[0].alg'],
    ['another kind’s algorithm', { ...RS256, alg: 'ES256' }, 'keys[0].alg'],
    ['another curve’s algorithm', { ...ES384, alg: 'ES256' }, 'keys[0].alg'],
    ['an RSA key of 1024 bits', short, 'keys[0].n'],
    ['a public exponent of 1', { ...publicHalf(RS256), e: 'AQ' }, 'keys[0].e'],
    ['an unknown curve', jwkOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey), 'keys[0]'],
    ['an agreement key', jwkOf(generateKeyPairSync('x25519').privateKey), 'keys[0]'],
    ['an encryption key', { ...RS256, use: 'enc' }, 'keys[0].use'],
    ['EC halves of two keys', { ...ES256, d: otherEc.d }, 'keys[0]'],
    ['RSA halves of two keys', { ...RS256, n: otherRsa.n }, 'keys[0]'],
    ['Ed25519 halves of two keys', { ...EdDSA, x: otherEd.x }, 'keys[0]'],
    ['a private RSA key without its primes', without(RS256, 'p'), 'keys[0]'],
    ['a key without its modulus', without(RS256, 'n'), 'keys[0]'],
    ['a member of the wrong type', { ...ES256, d: 7 }, 'keys[0]'],
    ['a point off the curve', { ...ES256, y: ES256.x }, 'keys[0]'],
    ['null', null, 'keys[0]'],
  ])('%s', async ([, jwk, path]) => {
    const { problems } = await refusalOf([jwk as object])
    expect(problems.map((problem) => problem.path)).toEqual([path])
  })

  test('one key under two algorithms (RFC 8725 §3.1)', async () => {
    const { problems } = await refusalOf([RS256, { ...RS256, alg: 'PS256', kid: 'ps' }])
    expect(problems).toMatchObject([{ path: 'keys[1]', section: 'RFC 8725 §3.1' }])
  })

  test('a set without a private key', async () => {
    const { problems } = await refusalOf([publicHalf(ES256)])
    expect(problems).toMatchObject([{ path: 'keys', message: 'must hold a private key' }])
  })

  test.for(['', 'secret-text', '[]', '{}', '{"keys":{}}', '{"keys":[]}'])('what is no key set: %j', async (text) => {
    const error = await refusalOf(text)
    expect(error).toMatchObject({ code: 'ERR_RISC_INVALID_KEYS', problems: [{ path: 'keys' }] })
    expect(error.cause).toBeUndefined()
    expect(error.message).not.toContain('secret-text')
  })

  test('all problems of all keys are listed at once, and no key material', async () => {
    const bad = [
      short,
      { kty: 'oct', k: 'c2VjcmV0LWJ5dGVz' },
      { ...ES256, d: otherEc.d },
      { ...RS256, alg: 'none', use: 'enc' },
    ]
    const error = await refusalOf(bad)
    expect(error.problems.map(({ path }) => path)).toEqual([
      'keys[0].n',
      'keys[1].kty',
      'keys[2]',
      'keys[3].use',
      'keys[3].alg',
    ])
    expect(error.cause).toBeUndefined()
    for (const jwk of bad) {
      for (const value of Object.values(jwk).filter((member) => String(member).length > 8)) {
        expect(error.message).not.toContain(value)
      }
    }
  })
})

test('loaded keys show no private member when printed or serialized', async () => {
  const keys = await loadSigningKeys({ keys: [RS256, ES256] })
  const { inspect } = await import('node:util')
  const shown = inspect(keys, { depth: 9, showHidden: true }) + JSON.stringify(keys)
  for (const secret of [RS256.d, RS256.p, ES256.d]) expect(shown).not.toContain(secret)
})
