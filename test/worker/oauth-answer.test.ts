import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readTokenAnswer } from '../../packages/worker/src/oauth-answer.ts'
import { writeTokenRequest } from '../../packages/worker/src/oauth-request.ts'

const answered = (status: number, body: unknown, retryAfterMs?: number) =>
  readTokenAnswer({ status, body: typeof body === 'string' ? body : JSON.stringify(body), retryAfterMs })

describe('what a token endpoint answers', () => {
  test.each([
    [{ expires_in: 3600 }, 3_600_000],
    [{ expires_in: '60' }, 60_000],
    [{}, 300_000],
    [{ expires_in: null }, 300_000],
    [{ expires_in: 'soon' }, 300_000],
    [{ expires_in: -1 }, 0],
    [{ expires_in: 1e12 }, 86_400_000],
  ])('a token with %o is valid for %i ms', (more, lifetimeMs) => {
    const body = { access_token: 'mF_9.B5f-4.1JqM', token_type: 'Bearer', ...more }
    expect(answered(200, body)).toEqual({ kind: 'token', token: 'mF_9.B5f-4.1JqM', lifetimeMs })
  })

  test('the type of a token is told in any case', () => {
    for (const token_type of ['bearer', 'BEARER']) {
      expect(answered(200, { access_token: 'a', token_type })).toMatchObject({ kind: 'token' })
    }
  })

  test.each([
    ['no JSON', '<html>'],
    ['nothing', ''],
    ['a list', [1]],
    ['null', 'null'],
    ['no token', { token_type: 'Bearer' }],
    ['a token of another type', { access_token: 'a', token_type: 'DPoP' }],
    ['no type', { access_token: 'a' }],
    ['what would end a header', { access_token: 'a\r\nx: y', token_type: 'Bearer' }],
    ['two words', { access_token: 'a b', token_type: 'Bearer' }],
    ['an empty token', { access_token: '', token_type: 'Bearer' }],
  ])('%s is no token, and may be one later', (_, body) => {
    expect(answered(200, body)).toEqual({ kind: 'token_unavailable', cause: 'unreadable_answer' })
  })

  test.each([
    [401, 'invalid_client'],
    [400, 'invalid_client'],
    [400, 'unauthorized_client'],
    [400, 'invalid_scope'],
    [400, 'invalid_grant'],
    [400, 'invalid_target'],
    [403, 'unauthorized_client'],
  ])('%i %s refuses until somebody mends it; of its words only the code is kept', (status, error) => {
    const body = { error, error_description: 'client s3cret is unknown' }
    expect(answered(status, body)).toEqual({ kind: 'token_refused', error })
  })

  test('401 refuses the client, whatever else it says', () => {
    expect(answered(401, '<html>')).toEqual({ kind: 'token_refused', error: 'invalid_client' })
  })

  test.each([
    [500, 'server_error'],
    [503, 'server_error'],
    [429, 'rate_limited'],
    [302, 'redirected'],
    [404, 'unexpected_status'],
    [400, 'unexpected_status'],
    [201, 'unexpected_status'],
  ])('%i may pass: %s', (status, cause) => {
    const body = { error: 's3cret', access_token: 'a', token_type: 'Bearer' }
    expect(answered(status, body)).toEqual({ kind: 'token_unavailable', cause })
    expect(answered(status, body, 7000)).toEqual({ kind: 'token_unavailable', cause, retryAfterMs: 7000 })
  })

  test('is read whatever it is, and no token comes of it that no header could carry', () => {
    const json = fc.record(
      {
        access_token: fc.oneof(fc.string(), fc.anything()),
        token_type: fc.constantFrom('Bearer', 1),
        expires_in: fc.anything(),
      },
      { requiredKeys: [] },
    )
    const body = fc.oneof(
      fc.string(),
      json.map((value) => JSON.stringify(value)),
      fc.json(),
    )
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 999 }), body, (status, text) => {
        const answer = answered(status, text)
        if (answer.kind !== 'token') return
        expect(() => new Headers({ authorization: `Bearer ${answer.token}` })).not.toThrow()
        expect(answer.lifetimeMs).toBeGreaterThanOrEqual(0)
        expect(answer.lifetimeMs).toBeLessThanOrEqual(86_400_000)
      }),
    )
  })
})

describe('a token request', () => {
  const request = { token_endpoint: 'https://login.example/token', client_id: 'risc' } as const

  test('shows id and secret in a header, each encoded as a form before they are joined', () => {
    const { headers, body } = writeTokenRequest(
      { ...request, client_id: 'a:b c', client_authentication: 'client_secret_basic', scope: 'ssf.write a' },
      'ü/+:%',
    )
    expect(headers['authorization']).toBe(`Basic ${btoa('a%3Ab+c:%C3%BC%2F%2B%3A%25')}`)
    expect(headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(body).toBe('grant_type=client_credentials&scope=ssf.write+a')
  })

  test('shows them in its body where the stream says so', () => {
    const { headers, body } = writeTokenRequest(
      { ...request, client_authentication: 'client_secret_post', resource: 'https://bank.example/', audience: 'bank' },
      's&=t',
    )
    expect(headers).not.toHaveProperty('authorization')
    expect([...new URLSearchParams(body)]).toEqual([
      ['grant_type', 'client_credentials'],
      ['resource', 'https://bank.example/'],
      ['audience', 'bank'],
      ['client_id', 'risc'],
      ['client_secret', 's&=t'],
    ])
  })

  test('can be read again, whatever the id and the secret are', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 })
    fc.assert(
      fc.property(text, text, (client_id, secret) => {
        const { headers } = writeTokenRequest(
          { ...request, client_id, client_authentication: 'client_secret_basic' },
          secret,
        )
        const [, encoded = ''] = headers['authorization']?.split(' ') ?? []
        const parts = atob(encoded).split(':')
        expect(parts.map((part) => new URLSearchParams(`x=${part}`).get('x'))).toEqual([client_id, secret])
      }),
    )
  })
})
