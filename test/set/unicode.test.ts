import fc from 'fast-check'
import { loadSigningKeys, publicJwks, resolveEvent, signSet, verifySet } from 'risc-set'
import { describe, expect, test } from 'vitest'
import { audience, claimsOf, issuer, privateJwks, problemsOf } from './fixture.ts'

const keys = await loadSigningKeys({ keys: [privateJwks.EdDSA] })

// Every code point but U+0000; fast-check's binary strings hold no lone surrogates.
const text = fc.string({ unit: 'binary' }).map((value) => value.replaceAll('\0', '\u{1f310}'))
const { value: json } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  ),
}))
const claims = fc.dictionary(text, json, { maxKeys: 5 }).filter((object) => !Object.hasOwn(object, 'subject'))

test.for(['ssf', 'login.gov'] as const)(
  'any JSON that PostgreSQL can hold survives signing and verifying: %s',
  async (profile) => {
    await fc.assert(
      fc.asyncProperty(claims, text, async (given, sub) => {
        const subject = { format: 'iss_sub', iss: issuer, sub: `s${sub.replaceAll(':', '.')}` } as const
        const built = claimsOf({ profile, subject, issuedAt: new Date() }, { type: 'urn:example:event', claims: given })
        const { jwt } = await signSet(built, keys)
        const set = await verifySet(jwt, { issuer, audience, jwks: publicJwks(keys), profile })
        expect(JSON.stringify(set.events[0]?.claims)).toBe(JSON.stringify(given))
        expect(set.subject).toEqual(subject)
      }),
      { numRuns: 150 },
    )
  },
)

describe('what PostgreSQL or JSON cannot hold is refused', () => {
  test.for<[string, unknown, string]>([
    ['U+0000 in a text', 'a\0b', 'U+0000'],
    ['U+0000 deep inside', [{ a: ['\0'] }], 'U+0000'],
    ['U+0000 in a name', { 'a\0': 1 }, 'U+0000'],
    ['a lone high surrogate', 'a\ud800', 'lone surrogate'],
    ['a lone low surrogate', '\udc00a', 'lone surrogate'],
    ['a lone surrogate in a name', { '\ud800': 1 }, 'lone surrogate'],
    ['NaN', Number.NaN, 'finite'],
    ['Infinity', Number.POSITIVE_INFINITY, 'finite'],
    ['a bigint', 1n, 'JSON value'],
    ['a date', new Date(), 'JSON value'],
    ['a map', new Map(), 'JSON value'],
    ['a function', () => 1, 'JSON value'],
    ['a symbol', Symbol('s'), 'JSON value'],
    ['undefined', undefined, 'JSON value'],
    ['a hole in an array', new Array(1), 'JSON value'],
  ])('%s', ([, value, message]) => {
    const problems = problemsOf(() => resolveEvent({ type: 'urn:example:event', claims: { value } }))
    expect(problems).toHaveLength(1)
    expect(problems[0]?.message).toContain(message)
    expect(problems[0]?.path).toMatch(/^claims\.value/)
  })

  test('a cycle', () => {
    const cycle: Record<string, unknown> = {}
    cycle['again'] = cycle
    const problems = problemsOf(() => resolveEvent({ type: 'urn:example:event', claims: cycle }))
    expect(problems).toMatchObject([{ message: 'must not be nested deeper than 32 levels' }])
  })

  test('U+0000 and lone surrogates in the claims of a standard event and in a subject', () => {
    const event = {
      type: 'identifier-changed',
      'new-value': 'a\0',
      subject: { format: 'email', email: 'a\ud800@example.com' },
    }
    expect(problemsOf(() => resolveEvent(event)).map(({ path }) => path)).toEqual(['subject.email', 'new-value'])
  })
})

test('a claim called __proto__ stays a claim', () => {
  const claims = JSON.parse('{"__proto__": {"admin": true}, "a": {"__proto__": 1}}')
  const resolved = resolveEvent({ type: 'urn:example:event', claims })
  expect(JSON.stringify(resolved.claims)).toBe(JSON.stringify(claims))
  expect(Object.getPrototypeOf(resolved.claims)).toBe(Object.prototype)
})
