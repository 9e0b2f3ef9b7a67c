import { constants, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { loadSigningKeys, publicJwks, type Signer, signSet, verifySet } from 'risc-set'
import { describe, expect, test } from 'vitest'
import { type Algorithm, algorithms, audience, claimsOf, issuer, privateJwks, publicHalf } from './fixture.ts'

const claims = claimsOf({ issuedAt: new Date() }, { type: 'account-disabled', reason: 'hijacking' })

const nodeCrypto = {
  RS256: ['sha256', {}],
  PS256: ['sha256', { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }],
  ES256: ['sha256', { dsaEncoding: 'ieee-p1363' }],
  ES384: ['sha384', { dsaEncoding: 'ieee-p1363' }],
  EdDSA: [null, {}],
} as const satisfies Record<Algorithm, readonly [string | null, object]>

describe('SETs verify with node:crypto alone, from the JWK set alone', () => {
  test.for(algorithms)('%s', async (alg) => {
    const keys = await loadSigningKeys({ keys: [privateJwks[alg]] })
    const { jwt, kid } = await signSet(claims, keys)
    const published = JSON.parse(JSON.stringify(publicJwks(keys)))

    const [header = '', payload = '', signature = ''] = jwt.split('.')
    const { kid: named, alg: used } = JSON.parse(Buffer.from(header, 'base64url').toString())
    expect({ named, used }).toEqual({ named: kid, used: alg })
    const key = createPublicKey({
      key: published.keys.find((jwk: { kid: string }) => jwk.kid === named),
      format: 'jwk',
    })
    const [digest, options] = nodeCrypto[alg]
    const check = (input: string) =>
      verify(digest, Buffer.from(input), { key, ...options }, Buffer.from(signature, 'base64url'))
    expect(check(`${header}.${payload}`)).toBe(true)
    expect(check(`${header}.${payload}x`)).toBe(false)
  })
})

describe('SETs that node:crypto alone signed are verified', () => {
  test.for(algorithms)('%s', async (alg) => {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const input = `${encode({ alg, typ: 'secevent+jwt', kid: 'k' })}.${encode(claims)}`
    const [digest, options] = nodeCrypto[alg]
    const key = createPrivateKey({ key: privateJwks[alg], format: 'jwk' })
    const signature = sign(digest, Buffer.from(input), { key, ...options }).toString('base64url')
    const jwks = { keys: [{ ...publicHalf(privateJwks[alg]), kid: 'k' } as { kty: string }] }
    await expect(verifySet(`${input}.${signature}`, { issuer, audience, jwks })).resolves.toMatchObject({
      jti: claims.jti,
    })
  })
})

test('header and payload keep their members and order byte for byte', async () => {
  const keys = await loadSigningKeys({ keys: [{ ...privateJwks.RS256, kid: 'k1' }] })
  const [header = '', payload = ''] = (await signSet(claims, keys)).jwt.split('.')
  expect(Buffer.from(header, 'base64url').toString()).toBe('{"typ":"secevent+jwt","kid":"k1","alg":"RS256"}')
  expect(Buffer.from(payload, 'base64url').toString()).toBe(JSON.stringify(claims))
})

describe('a signer outside the process', () => {
  const jwk = publicHalf(privateJwks.ES256)
  const key = createPrivateKey({ key: privateJwks.ES256, format: 'jwk' })
  const kms: Signer = async (input) => sign('sha256', input, { key, dsaEncoding: 'ieee-p1363' })

  test('signs without the private key ever being here', async () => {
    const keys = await loadSigningKeys({ keys: [jwk] }, { signer: kms })
    const { jwt } = await signSet(claims, keys)
    await expect(verifySet(jwt, { issuer, audience, jwks: publicJwks(keys) })).resolves.toMatchObject({ issuer })
  })

  test('is told which key and algorithm', async () => {
    const asked: object[] = []
    const signer: Signer = (input, named) => {
      asked.push(named)
      return kms(input, named)
    }
    const keys = await loadSigningKeys({ keys: [{ ...jwk, kid: 'hsm-7' }] }, { signer })
    await signSet(claims, keys)
    expect(asked).toEqual(Array(2).fill({ kid: 'hsm-7', alg: 'ES256' }))
  })

  test('has no more signatures in flight than allowed, and every one is made', async () => {
    let inFlight = 0
    let most = 0
    const signer: Signer = async (input, named) => {
      inFlight += 1
      most = Math.max(most, inFlight)
      await new Promise((resolve) => setImmediate(resolve))
      inFlight -= 1
      return kms(input, named)
    }
    const keys = await loadSigningKeys({ keys: [jwk] }, { signer, maxInFlight: 3 })
    const sets = await Promise.all(Array.from({ length: 40 }, () => signSet(claims, keys)))
    expect(most).toBe(3)
    expect(new Set(sets.map(({ jwt }) => jwt)).size).toBe(40)
  })

  test('that fails gives its place to the next, and its error to the caller', async () => {
    let calls = 0
    const signer: Signer = async (input, named) => {
      calls += 1
      if (calls > 1 && calls % 2 === 0) throw new Error('KMS throttled')
      return kms(input, named)
    }
    const keys = await loadSigningKeys({ keys: [jwk] }, { signer, maxInFlight: 1 })
    const made = await Promise.allSettled(Array.from({ length: 6 }, () => signSet(claims, keys)))
    expect(made.map(({ status }) => status)).toEqual([
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ])
  })

  test.for<[string, Signer]>([
    [
      'another key',
      async (input) =>
        sign('sha256', input, {
          key: createPrivateKey({ key: privateJwks.ES384, format: 'jwk' }),
          dsaEncoding: 'ieee-p1363',
        }),
    ],
    ['DER instead of r‖s', async (input) => sign('sha256', input, key)],
    ['nothing', async () => new Uint8Array()],
  ])('that gives the signature of %s is refused at load', async ([, signer]) => {
    await expect(loadSigningKeys({ keys: [jwk] }, { signer })).rejects.toMatchObject({
      code: 'ERR_RISC_INVALID_KEYS',
      problems: [{ path: 'signer' }],
    })
  })

  test('leaves no use for a private key in the set', async () => {
    await expect(loadSigningKeys({ keys: [privateJwks.ES256] }, { signer: kms })).rejects.toMatchObject({
      problems: [{ path: 'keys[0]', message: 'must be a public key, as a signer is given' }],
    })
  })

  test.for([0, -1, 1.5, Number.NaN])('cannot have %d signatures in flight', async (maxInFlight) => {
    await expect(loadSigningKeys({ keys: [jwk] }, { signer: kms, maxInFlight })).rejects.toMatchObject({
      problems: [{ path: 'maxInFlight' }],
    })
  })
})
