import { buildClaims, newJti, type ProfileName, resolveEvent, type SubjectIdentifier } from 'risc-set'
import { describe, expect, test } from 'vitest'
import { claimsOf, issuer, problemsOf, subject } from './fixture.ts'

const O = 'https://schemas.openid.net/secevent/risc/event-type/'
const L = 'https://schemas.login.gov/secevent/risc/event-type/'
const issSub = '"subject":{"subject_type":"iss-sub","iss":"https://secure.login.gov/","sub":"<SUB>"}'
const email = '"subject":{"subject_type":"email","email":"user@example.gov"}'
const address = { format: 'email', email: 'user@example.gov' } as const

/** What login.gov's own documentation gives as the `events` of each event it sends. */
const original: readonly (readonly [event: object, events: string])[] = [
  [
    { type: 'account-disabled', reason: 'account-suspension' },
    `{"${O}account-disabled":{${issSub},"reason":"account-suspension"}}`,
  ],
  [{ type: 'account-enabled' }, `{"${O}account-enabled":{${issSub}}}`],
  [{ type: 'account-purged' }, `{"${O}account-purged":{${issSub}}}`],
  [{ type: 'identifier-changed', subject: address }, `{"${O}identifier-changed":{${email}}}`],
  [{ type: 'identifier-recycled', subject: address }, `{"${O}identifier-recycled":{${email}}}`],
  [{ type: 'mfa-limit-account-locked' }, `{"${L}mfa-limit-account-locked":{${issSub}}}`],
  [{ type: 'password-reset' }, `{"${L}password-reset":{${issSub}}}`],
  [{ type: 'recovery-activated' }, `{"${O}recovery-activated":{${issSub}}}`],
  [{ type: 'recovery-information-changed' }, `{"${O}recovery-information-changed":{${issSub}}}`],
  [{ type: 'reproof-completed' }, `{"${L}reproof-completed":{${issSub}}}`],
]

describe('profile login.gov writes the original’s claims byte for byte', () => {
  test.for(original)('$0.type', ([event, events]) => {
    const claims = buildClaims({
      profile: 'login.gov',
      issuer: 'https://secure.login.gov/',
      audience: ['https://agency.example.gov/events'],
      jti: '3f1c0b0e6a0d4d0f9b7f6a2f0c1d2e3f',
      txn: 'never sent',
      issuedAt: new Date(1_784_000_000_999),
      event: resolveEvent(event),
      subject: { format: 'iss_sub', iss: 'https://secure.login.gov/', sub: '<SUB>' },
    })
    expect(JSON.stringify(claims)).toBe(
      '{"iss":"https://secure.login.gov/","iat":1784000000,"exp":1784043200,"jti":"3f1c0b0e6a0d4d0f9b7f6a2f0c1d2e3f",' +
        `"aud":"https://agency.example.gov/events","events":${events}}`,
    )
  })

  test.for<SubjectIdentifier>([
    { format: 'opaque', id: 'x' },
    { format: 'phone_number', phone_number: '+12065550100' },
    { format: 'aliases', identifiers: [address] },
    { format: 'complex', user: address },
  ])('a subject it cannot express is refused: $format', (other) => {
    expect(problemsOf(() => claimsOf({ profile: 'login.gov', subject: other }))).toMatchObject([
      { path: 'subject.format' },
    ])
  })
})

describe('profile ssf writes what SSF 1.0 demands', () => {
  test.for(original)('$0.type', ([event]) => {
    const resolved = resolveEvent(event)
    const claims = claimsOf({ event: resolved })
    expect(Object.keys(claims)).toEqual(['iss', 'iat', 'jti', 'aud', 'txn', 'sub_id', 'events'])
    expect(claims).toEqual({
      iss: issuer,
      iat: 1_784_000_000,
      jti: '3f1c0b0e6a0d4d0f9b7f6a2f0c1d2e3f',
      aud: 'https://rp.example/events',
      txn: 'f7a9',
      sub_id: resolved.subject ?? subject,
      events: { [resolved.uri]: resolved.claims },
    })
  })
})

test('several receivers that are one entity are written as an array, a single one as a string', () => {
  expect(claimsOf({ audience: ['a', 'b'] }).aud).toEqual(['a', 'b'])
  expect(claimsOf({ audience: ['a'] }).aud).toBe('a')
})

test('iat is never in the future: fractions of a second are cut off', () => {
  expect(claimsOf({ issuedAt: new Date(1_999) }).iat).toBe(1)
})

test('the event’s own subject goes before the one the receiver knows', () => {
  const event = { type: 'identifier-changed', subject: address }
  expect(claimsOf({}, event)['sub_id']).toEqual(address)
  expect(claimsOf({ subject: undefined }, event)['sub_id']).toEqual(address)
})

test.for<ProfileName>(['ssf', 'login.gov'])('without any subject nothing is written: %s', (profile) => {
  expect(problemsOf(() => claimsOf({ profile, subject: undefined }))).toMatchObject([{ path: 'subject' }])
})

test('the receiver’s subject must suit the event too', () => {
  expect(problemsOf(() => claimsOf({}, { type: 'verification' }))).toEqual([
    { path: 'subject.format', message: 'must be opaque', section: 'SSF 1.0 §8.1.4.1' },
  ])
})

test('every problem around the event is listed', () => {
  const problems = problemsOf(() =>
    claimsOf({
      issuer: '',
      audience: [],
      jti: '',
      txn: '\0',
      issuedAt: new Date(Number.NaN),
      subject: { format: 'opaque', id: '' },
    }),
  )
  expect(problems.map(({ path }) => path).sort()).toEqual([
    'audience',
    'issuedAt',
    'issuer',
    'jti',
    'subject.id',
    'txn',
  ])
})

test('a jti begins with the time, so that those of one moment are next to each other in an index', () => {
  const before = Date.now()
  const time = Number.parseInt(newJti().slice(0, 12), 16)
  expect(time).toBeGreaterThanOrEqual(before)
  expect(time).toBeLessThanOrEqual(Date.now())
})

test('a jti is 32 lower-case hex digits, each time others', () => {
  const made = Array.from({ length: 1_000 }, newJti)
  for (const jti of made) expect(jti).toMatch(/^[0-9a-f]{32}$/)
  expect(new Set(made).size).toBe(1_000)
})
