import { jwksDocument, loadSigningKeys, publicJwks, riscConfiguration, ssfConfiguration } from 'risc-set'
import { describe, expect, test } from 'vitest'
import { privateJwks } from './fixture.ts'

const issuer = 'https://tr.example.com'
const jwks_uri = 'https://tr.example.com/jwks.json'
const get = (headers: Record<string, string> = {}, method = 'GET') =>
  new Request('http://localhost/', { method, headers })

describe('ssf-configuration', () => {
  test.for([
    ['https://tr.example.com', '/.well-known/ssf-configuration'],
    ['https://tr.example.com/', '/.well-known/ssf-configuration'],
    ['https://tr.example.com/issuer1', '/.well-known/ssf-configuration/issuer1'],
    ['https://tr.example.com/a/b/', '/.well-known/ssf-configuration/a/b'],
  ])('of issuer %s is at %s (SSF 1.0 §7.2.1)', ([of = '', path]) => {
    expect(ssfConfiguration({ issuer: of, jwks_uri }).path).toBe(path)
  })

  test('names the issuer byte for byte, version, keys and push delivery', async () => {
    const response = ssfConfiguration({ issuer: 'https://tr.example.com/', jwks_uri })(get())
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual({
      spec_version: '1_0',
      delivery_methods_supported: ['urn:ietf:rfc:8935'],
      issuer: 'https://tr.example.com/',
      jwks_uri,
    })
  })

  test('leaves out arrays without elements (SSF 1.0 §7.2.3), and keeps other members', async () => {
    const metadata = { issuer, jwks_uri, critical_subject_members: [], default_subjects: 'NONE', support: 'x' } as const
    const document = await ssfConfiguration(metadata)(get()).json()
    expect(document).toMatchObject({ default_subjects: 'NONE', support: 'x' })
    expect(document).not.toHaveProperty('critical_subject_members')
  })

  test('refuses every URL that is not https, and an issuer with query or fragment', () => {
    const metadata = {
      issuer: 'https://tr.example.com/?a',
      jwks_uri: 'http://tr.example.com/jwks',
      status_endpoint: '/status',
    }
    expect(() => ssfConfiguration(metadata)).toThrow(
      expect.objectContaining({
        code: 'ERR_RISC_INVALID_OPTIONS',
        problems: [
          expect.objectContaining({ path: 'jwks_uri' }),
          expect.objectContaining({ path: 'status_endpoint' }),
          expect.objectContaining({ path: 'issuer', message: 'must have neither query nor fragment' }),
        ],
      }),
    )
  })
})

describe('risc-configuration', () => {
  const push = 'https://schemas.openid.net/secevent/risc/delivery-method/push'

  test('is the original’s document', async () => {
    const handler = riscConfiguration({
      issuer: 'https://secure.login.gov/',
      jwks_uri: 'https://secure.login.gov/api/openid_connect/certs',
      push_url: 'https://secure.login.gov/api/risc/security_events',
    })
    expect(handler.path).toBe('/.well-known/risc-configuration')
    expect(await handler(get()).json()).toEqual({
      issuer: 'https://secure.login.gov/',
      jwks_uri: 'https://secure.login.gov/api/openid_connect/certs',
      delivery_methods_supported: [push],
      delivery: [{ delivery_method: push, url: 'https://secure.login.gov/api/risc/security_events' }],
    })
  })

  test('names no endpoint where the IdP takes no SETs itself', async () => {
    expect(await riscConfiguration({ issuer, jwks_uri })(get()).json()).not.toHaveProperty('delivery')
  })
})

describe('the published key set', async () => {
  const keys = await loadSigningKeys({ keys: [privateJwks.ES256] })

  test('is the public keys, cached no longer than a rotation can wait', async () => {
    const response = jwksDocument(keys)(get())
    expect(await response.json()).toEqual(publicJwks(keys))
    expect(response.headers.get('cache-control')).toBe('public, max-age=300')
    expect(jwksDocument(keys, { maxAgeSeconds: 60 })(get()).headers.get('cache-control')).toBe('public, max-age=60')
  })

  test('follows a rotation without a restart, and its ETag with it', async () => {
    let current = keys
    const handler = jwksDocument(() => current)
    const before = handler(get())
    current = await loadSigningKeys({ keys: [privateJwks.EdDSA] })
    const after = handler(get({ 'if-none-match': before.headers.get('etag') ?? '' }))
    expect(after.status).toBe(200)
    expect(await after.json()).toEqual(publicJwks(current))
  })

  test.for(['%', 'W/%', '"other", %', '*'])('is not sent again to a cache that has it: If-None-Match %s', (pattern) => {
    const handler = jwksDocument(keys)
    const etag = handler(get()).headers.get('etag') ?? ''
    expect(etag).toMatch(/^"[\w-]{43}"$/)
    const response = handler(get({ 'if-none-match': pattern.replace('%', etag) }))
    expect([response.status, response.body, response.headers.get('etag')]).toEqual([304, null, etag])
    expect(response.headers.get('cache-control')).toBe('public, max-age=300')
  })

  test('answers HEAD without a body, and refuses what is not a question', () => {
    const handler = jwksDocument(keys)
    expect([handler(get({}, 'HEAD')).status, handler(get({}, 'HEAD')).body]).toEqual([200, null])
    expect(handler(get({}, 'POST')).status).toBe(405)
    expect(handler(get({}, 'POST')).headers.get('allow')).toBe('GET, HEAD')
  })
})
