import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readRefusal } from '../../packages/worker/src/refusal.ts'

const claims = {
  sub_id: { format: 'aliases', identifiers: [{ phone_number: '+12065550100' }, { sub: '8b1a-at-bank' }] },
}
const SET = `head.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.signature`

test('err and description of RFC 8935 §2.3 are read', () => {
  expect(readRefusal('{"err":"invalid_issuer","description":"who are you?"}', SET)).toEqual({
    err: 'invalid_issuer',
    description: 'who are you?',
  })
})

test.each(['', 'no', '[]', 'null', '{}', '{"err":7}', '{"err":"x"'])('%s is no refusal', (body) => {
  expect(readRefusal(body, SET)).toBeUndefined()
})

test('what a receiver reflects is not kept: e-mail addresses and tokens', () => {
  const set = 'eyJ0eXAiOiJzZWNldmVudCtqd3QifQ.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ'
  const refusal = readRefusal(
    JSON.stringify({ err: 'invalid_request', description: `no bob@example.com in ${set}` }),
    SET,
  )
  expect(refusal?.description).toBe('no [e-mail] in [token]')
})

test('nothing that the SET says comes back from a receiver, however it is spelt', () => {
  const description = 'phone +12065550100 of 8b1a-at-bank, or %2B12065550100 or jane.doe%40example.com, is not ours'
  const refusal = readRefusal(JSON.stringify({ err: 'invalid_request', description }), SET)
  expect(refusal?.description).toBe('phone […] of […], or […] or [e-mail] is not ours')
})

test('nor do its strings in another case, with characters lost, or cut in two by the limit', () => {
  const claims = { sub_id: { format: 'opaque', id: 'Jos\u00adef Maier' }, events: { x: { phone: '+12065550100' } } }
  const set = `head.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.signature`
  const description = `no jos ef maier ${'+12065550100'.repeat(60)}`
  expect(readRefusal(JSON.stringify({ err: 'x', description }), set)?.description).toMatch(/^no \[…\] (\[…\])+(\[…?)?$/)
})

test('a description of any text becomes something PostgreSQL can store and a terminal can show', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 1000 }), (description) => {
      const kept = readRefusal(JSON.stringify({ err: 'x', description }), SET)?.description ?? ''
      expect(kept.length).toBeLessThanOrEqual(300)
      expect(kept).not.toMatch(/\p{C}/u)
      expect(kept.isWellFormed()).toBe(true)
    }),
  )
})

test.each(['Bearer short-one', 'Basic short-one', 'short-one'])(
  'nor does the credential, as in %s',
  (authorization) => {
    const body = JSON.stringify({ err: 'authentication_failed', description: 'the bearer of short-one is unknown' })
    expect(readRefusal(body, SET, authorization)?.description).toBe('the bearer of […] is unknown')
  },
)
