import fc from 'fast-check'
import { buildClaims, type SubjectIdentifier } from 'risc-set'
import { describe, expect, test } from 'vitest'
import { namesIn, namesWith } from '../../../packages/worker/src/cli/erasure/names.ts'
import { createRecognizer } from '../../../packages/worker/src/cli/erasure/recognizer.ts'
import { anySubject } from '../arbitrary-event.ts'
import { areStrangers } from './strangers.ts'

const email = { format: 'email', email: 'Jane.Doe@Example.com' } as const
const phone = { format: 'phone_number', phone_number: '+12065550100' } as const
const account = { format: 'iss_sub', iss: 'https://idp.example/', sub: 'jane' } as const
const opaque = { format: 'opaque', id: 'u-42' } as const
const tenant = { format: 'opaque', id: 'acme' } as const

/** Whether a SET of stream `bank` that says `value` is about the person known to everybody as `subject`. */
function finds(subject: SubjectIdentifier, value: unknown): boolean {
  return createRecognizer(namesIn(subject).map((name) => ({ subject: name }))).isIn(value, 'bank')
}

describe('an identifier is found', () => {
  test('in whatever order its members stand', () => {
    expect(finds(account, { sub_id: { sub: 'jane', iss: 'https://idp.example/', format: 'iss_sub' } })).toBe(true)
  })

  test('in the dialect of login.gov', () => {
    const subject = { subject_type: 'iss-sub', iss: 'https://idp.example/', sub: 'jane' }
    expect(finds(account, { events: { 'https://x.example/': { subject } } })).toBe(true)
  })

  test('at any depth', () => {
    const user = { format: 'complex', user: account, device: opaque }
    expect(finds(account, { sub_id: { format: 'aliases', identifiers: [tenant, user] } })).toBe(true)
    expect(finds(opaque, { events: { x: [{ said: { by: opaque } }] } })).toBe(true)
  })

  test('by each alias', () => {
    const aliases = { format: 'aliases', identifiers: [account, phone] } as const
    expect(finds(aliases, { sub_id: account })).toBe(true)
    expect(finds(aliases, { sub_id: phone })).toBe(true)
  })

  test('only if all of it is the same', () => {
    expect(finds(account, { sub_id: { ...account, iss: 'https://other.example/' } })).toBe(false)
    expect(finds(opaque, { sub_id: { ...opaque, id: 'U-42' } })).toBe(false)
    expect(finds(opaque, { id: 'u-42', said: 'u-42' })).toBe(false)
  })

  test('of a complex one as a whole: another may have the same user name beside another tenant', () => {
    const complex = { format: 'complex', user: opaque, tenant } as const
    expect(finds(complex, { sub_id: { tenant, format: 'complex', user: opaque } })).toBe(true)
    expect(finds(complex, { sub_id: { ...complex, tenant: { ...tenant, id: 'globex' } } })).toBe(false)
    expect(finds(complex, { sub_id: tenant })).toBe(false)
    expect(finds({ ...complex, user: account }, { sub_id: account })).toBe(true)
  })
})

describe('an e-mail address is found', () => {
  test.each([
    'jane.doe@example.com',
    'JANE.DOE@EXAMPLE.COM',
    'mailto:jane.doe@example.com',
    'acct:jane.doe@example.com',
    'Jane Doe <jane.doe@example.com>',
    "'jane.doe@example.com'",
    'seen as:\njane.doe@example.com.',
    'https://rp.example/?mail=jane.doe%40example.com&x=100%',
  ])('in %j', (text) => {
    expect(finds(email, { events: { x: { 'new-value': text } } })).toBe(true)
    expect(finds(email, { events: { x: { [text]: 1 } } })).toBe(true)
  })

  test.each([
    'mary.jane.doe@example.com',
    'mary-jane.doe@example.com',
    'ójane.doe@example.com',
    "o'jane.doe@example.com",
    'jane.doe@example.com.au',
    'jane.doe@example.community',
    'jane.doe@example.com-x.org',
    'jane.doe@example',
    'jane.doe',
  ])('not in %j, which is another', (text) => {
    expect(finds(email, { events: { x: { 'new-value': text } } })).toBe(false)
  })

  test('with its domain as DNS or as people write it', () => {
    const subject = { format: 'email', email: 'jane@müller.example' } as const
    expect(finds(subject, { sub_id: { format: 'email', email: 'jane@xn--mller-kva.example' } })).toBe(true)
    expect(finds({ ...subject, email: 'jane@XN--MLLER-KVA.example' }, 'jane@Müller.example')).toBe(true)
  })
})

test('a telephone number is found in texts, and is no part of a longer one', () => {
  expect(finds(phone, { a: 'tel:+12065550100;ext=1' })).toBe(true)
  expect(finds(phone, { a: '%2B12065550100' })).toBe(true)
  expect(finds(phone, { a: '+120655501009' })).toBe(false)
})

test('what one receiver alone knows somebody as is nobody’s name with another', () => {
  const { isIn } = createRecognizer([...namesWith('bank', opaque), ...namesWith('bank', account)])
  expect(isIn({ sub_id: opaque }, 'bank')).toBe(true)
  expect(isIn({ sub_id: opaque }, 'shop')).toBe(false)
  expect(isIn({ sub_id: account }, 'shop')).toBe(true)
})

test('whoever is one of the aliases, or the user of a complex subject, is known by it; whose tenant it is is not', () => {
  const { isKnownAs } = createRecognizer([{ subject: opaque }])
  expect(isKnownAs({ format: 'aliases', identifiers: [tenant, { format: 'complex', user: opaque }] }, 'bank')).toBe(
    true,
  )
  expect(isKnownAs({ format: 'complex', user: account, tenant: opaque }, 'bank')).toBe(false)
})

test('any subject is found in its SET, in each profile that can carry it', () => {
  fc.assert(
    fc.property(anySubject, (subject) => {
      for (const profile of ['iss_sub', 'email'].includes(subject.format)
        ? (['ssf', 'login.gov'] as const)
        : (['ssf'] as const)) {
        expect(finds(subject, claimsAbout(subject, profile))).toBe(true)
      }
    }),
  )
})

test('nobody is found in the SET of another, whose identifiers are all others', () => {
  fc.assert(
    fc.property(anySubject, anySubject, (one, other) => {
      fc.pre(areStrangers([one, other]))
      expect(finds(one, claimsAbout(other, 'ssf'))).toBe(false)
    }),
  )
})

test('a deep or hostile document is gone through like any other', () => {
  let deep: unknown = opaque
  for (let level = 0; level < 100_000; level++) deep = [deep]
  expect(finds(opaque, deep)).toBe(true)
  expect(finds(opaque, JSON.parse('{"__proto__":{"format":"opaque","id":"u-42"},"format":null}'))).toBe(true)
})

function claimsAbout(subject: SubjectIdentifier, profile: 'ssf' | 'login.gov') {
  const event = { uri: 'https://events.example/changed', claims: {} }
  return buildClaims({
    profile,
    issuer: 'https://idp.example/',
    audience: ['https://rp.example/'],
    jti: 'jti',
    txn: 'txn',
    issuedAt: new Date(0),
    event,
    subject,
  })
}
