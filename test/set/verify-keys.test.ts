import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRemoteJWKSet } from 'jose'
import { loadSigningKeys, publicJwks, type SigningKeys, signSet, verifySet } from 'risc-set'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { audience, claimsOf, issuer, privateJwks } from './fixture.ts'

const options = { issuer, audience }
const claims = claimsOf({ issuedAt: new Date() })
const keys = await loadSigningKeys({ keys: [privateJwks.ES256] })
const rotated = await loadSigningKeys({ keys: [privateJwks.EdDSA] })
const { jwt } = await signSet(claims, keys)
const next = await signSet(claims, rotated)

/** A JWK set on loopback that counts how often it is fetched. */
async function serveJwks() {
  const source = { keys: keys as SigningKeys, fetches: 0, status: 200 }
  const server = createServer((_, response) => {
    source.fetches += 1
    response.writeHead(source.status).end(JSON.stringify(publicJwks(source.keys)))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    server.closeAllConnections()
    await once(server.close(), 'close')
  }
  const jwks = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`)
  return Object.assign(source, { jwks, [Symbol.asyncDispose]: close })
}

describe('keys from a URL', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  test('are fetched once, however many SETs there are', async () => {
    await using source = await serveJwks()
    for (let set = 0; set < 5; set += 1) await verifySet(jwt, { ...options, jwks: new URL(source.jwks) })
    expect(source.fetches).toBe(1)
  })

  test('are fetched anew when a SET names a key that is not among them, twice a minute at most', async () => {
    await using source = await serveJwks()
    const { jwks } = source
    vi.useFakeTimers({ toFake: ['Date'] })
    await verifySet(jwt, { ...options, jwks })
    source.keys = rotated
    await expect(verifySet(next.jwt, { ...options, jwks })).rejects.toMatchObject({ err: 'invalid_key' })
    vi.setSystemTime(Date.now() + 31_000)
    await expect(verifySet(next.jwt, { ...options, jwks })).resolves.toBeDefined()
    expect(source.fetches).toBe(2)
  })

  test('that cannot be had say nothing about the SET', async () => {
    await using source = await serveJwks()
    const { jwks } = source
    source.status = 500
    await expect(verifySet(jwt, { ...options, jwks })).rejects.toMatchObject({ code: 'ERR_RISC_JWKS_UNAVAILABLE' })
    source.status = 200
    await expect(verifySet(jwt, { ...options, jwks })).resolves.toBeDefined()
  })

  test('may come through a resolver of jose’s', async () => {
    await using source = await serveJwks()
    const jwks = createRemoteJWKSet(source.jwks, { cooldownDuration: 0 })
    await expect(verifySet(jwt, { ...options, jwks })).resolves.toBeDefined()
    await expect(verifySet(next.jwt, { ...options, jwks })).rejects.toMatchObject({ err: 'invalid_key' })
  })

  test('must come over https, but from this machine itself', async () => {
    const jwks = new URL('http://idp.example/jwks')
    await expect(verifySet(jwt, { ...options, jwks })).rejects.toMatchObject({ code: 'ERR_RISC_INVALID_OPTIONS' })
  })
})
