import { createPrivateKey } from 'node:crypto'
import jsonwebtoken, { type JwtPayload } from 'jsonwebtoken'
import jwkToPem, { type JWK } from 'jwk-to-pem'
import { jwksDocument, loadSigningKeys, publicJwks, signSet, verifySet } from 'risc-set'
import { describe, expect, test } from 'vitest'
import { audience, claimsOf, issuer, privateJwks } from './fixture.ts'

// What jsonwebtoken knows of our algorithms. EdDSA, which it lacks, is verified with node:crypto alone.
const algorithms = ['RS256', 'PS256', 'ES256', 'ES384'] as const
const combinations = algorithms.flatMap((alg) => [[alg, 'ssf'] as const, [alg, 'login.gov'] as const])
const event = { type: 'account-disabled', reason: 'hijacking' }

describe('SETs verify with jsonwebtoken, by keys that jwk-to-pem reads from the published set', () => {
  test.for(combinations)('%s in profile %s', async ([alg, profile]) => {
    const others = algorithms.filter((other) => other !== alg).map((other) => privateJwks[other])
    const keys = await loadSigningKeys({ keys: [privateJwks[alg], ...others] })
    const claims = claimsOf({ profile, issuedAt: new Date() }, event)
    const { jwt } = await signSet(claims, keys)

    const response = jwksDocument(keys)(new Request('https://idp.example/jwks.json'))
    const published = (await response.json()) as { keys: (JWK & { kid: string })[] }
    const pems = new Map(published.keys.map((jwk) => [jwk.kid, jwkToPem(jwk)]))
    expect(pems.size).toBe(4)
    const { header } = jsonwebtoken.decode(jwt, { complete: true }) ?? {}
    const key = pems.get(header?.kid ?? '') ?? ''
    const verified = jsonwebtoken.verify(jwt, key, { algorithms: [alg], issuer, audience, complete: true })
    expect(verified.header).toEqual({ typ: 'secevent+jwt', alg, kid: keys.active.kid })
    expect(verified.payload).toEqual(claims)
  })
})

describe('SETs that jsonwebtoken signed are verified', () => {
  test.for(combinations)('%s in profile %s', async ([alg, profile]) => {
    const keys = await loadSigningKeys({ keys: [privateJwks[alg]] })
    const claims = claimsOf({ profile, issuedAt: new Date() }, event)
    const key = createPrivateKey({ key: privateJwks[alg], format: 'jwk' })
    const header = { alg, typ: 'secevent+jwt', kid: keys.active.kid }
    const jwt = jsonwebtoken.sign(claims as JwtPayload, key, { algorithm: alg, header })
    const set = await verifySet(jwt, { issuer, audience, profile, jwks: publicJwks(keys) })
    expect(set).toMatchObject({ jti: claims.jti, events: [{ type: event.type, claims: { reason: event.reason } }] })
  })
})
