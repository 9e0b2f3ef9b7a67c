import { type SubjectFormat, type SubjectIdentifier, validateSubject } from 'risc-set'
import { describe, expect, test } from 'vitest'
import { problemsOf } from './fixture.ts'

const email = { format: 'email', email: 'user@example.com' } as const
const phone = { format: 'phone_number', phone_number: '+12065550100' } as const

// The type makes this a complete list of formats.
const examples: { readonly [F in SubjectFormat]: Extract<SubjectIdentifier, { readonly format: F }> } = {
  account: { format: 'account', uri: 'acct:example.user@service.example.com' },
  email,
  iss_sub: { format: 'iss_sub', iss: 'https://issuer.example.com/', sub: '145234573' },
  opaque: { format: 'opaque', id: '11112222333344445555' },
  phone_number: phone,
  did: { format: 'did', url: 'did:example:123456/did/url/path?versionId=1' },
  uri: { format: 'uri', uri: 'urn:uuid:4e851e98-83c4-4743-a5da-150ecb53042f' },
  aliases: { format: 'aliases', identifiers: [email, phone, { format: 'complex', user: email }] },
  complex: { format: 'complex', user: email, device: { format: 'opaque', id: 'd' }, tenant: phone, robot: phone },
  jwt_id: { format: 'jwt_id', iss: 'https://idp.example.com/123456789/', jti: 'B70BA622-9515-4353-A866-823539EECBC8' },
  saml_assertion_id: { format: 'saml_assertion_id', issuer: 'https://idp.example.com/', assertion_id: '_8e8dc5f6' },
  'ip-addresses': { format: 'ip-addresses', 'ip-addresses': ['10.29.37.75', '2001:db8:0:0:0:ffff:101.45.75.219'] },
}

test.for(Object.values(examples))('$format: the standard’s example is accepted', (subject) => {
  expect(validateSubject(subject)).toEqual(subject)
})

describe('every member a format requires must be there', () => {
  const missing = Object.values(examples).flatMap((subject) =>
    Object.keys(subject).map((member) => [subject.format, member, subject] as const),
  )
  const ofMembers = missing.filter(([format]) => format !== 'complex')
  test.for(ofMembers)('%s without %s is refused', ([, member, subject]) => {
    const rest = Object.fromEntries(Object.entries(subject).filter(([name]) => name !== member))
    expect(problemsOf(() => validateSubject(rest))).toMatchObject([
      { path: `subject.${member}`, message: 'is required' },
    ])
  })
})

test.for(Object.values(examples).filter(({ format }) => format !== 'complex'))(
  '$format refuses a member it does not describe (RFC 9493 §3)',
  (subject) => {
    const problems = problemsOf(() => validateSubject({ ...subject, extra: 'x' }))
    expect(problems).toMatchObject([{ path: 'subject.extra', message: 'is not described here' }])
  },
)

describe('members keep to the syntax of their format', () => {
  test.for<[SubjectFormat, string, unknown]>([
    ['account', 'uri', 'example.user@service.example.com'],
    ['account', 'uri', 'acct:nobody'],
    ['account', 'uri', 'https://example.com/user'],
    ['email', 'email', ''],
    ['email', 'email', null],
    ['email', 'email', 'user'],
    ['email', 'email', '@example.com'],
    ['email', 'email', 'user@'],
    ['email', 'email', 'User <user@example.com>'],
    ['email', 'email', 'a b@example.com'],
    ['email', 'email', 'a@b@example.com'],
    ['email', 'email', '.a@example.com'],
    ['email', 'email', 'user@example.com\n'],
    ['iss_sub', 'iss', ''],
    ['iss_sub', 'sub', ''],
    ['iss_sub', 'sub', 7],
    ['iss_sub', 'iss', 'not a uri: at all'],
    ['opaque', 'id', ''],
    ['phone_number', 'phone_number', '12065550100'],
    ['phone_number', 'phone_number', '+1 206 555 0100'],
    ['phone_number', 'phone_number', '+1-206-555-0100'],
    ['phone_number', 'phone_number', '+1206555010012345'],
    ['phone_number', 'phone_number', '+0206555010'],
    ['did', 'url', 'did:example:'],
    ['did', 'url', 'did:Example:1'],
    ['did', 'url', 'https://example.com'],
    ['uri', 'uri', '/relative'],
    ['uri', 'uri', 'https://example.com/a b'],
    ['uri', 'uri', 'https://example.com/%zz'],
    ['jwt_id', 'iss', ''],
    ['jwt_id', 'jti', ''],
    ['saml_assertion_id', 'issuer', ''],
    ['saml_assertion_id', 'assertion_id', ''],
    ['ip-addresses', 'ip-addresses', []],
    ['ip-addresses', 'ip-addresses', '10.29.37.75'],
    ['aliases', 'identifiers', []],
    ['aliases', 'identifiers', email],
    ['complex', 'user', 'user@example.com'],
    ['complex', 'user', examples.complex],
    ['complex', 'user', examples.aliases],
  ])('%s: %s %j is refused', ([format, member, value]) => {
    const problems = problemsOf(() => validateSubject({ ...examples[format], [member]: value }))
    expect(problems).toHaveLength(1)
    expect(problems[0]?.path).toMatch(new RegExp(`^subject\\.${member}(\\.format)?$`))
  })

  test.for([
    '"a b"@example.com',
    'o’hara@example.com',
    'пользователь@пример.рф',
    'a+b=c/d@[192.0.2.1]',
    '"a..b"@docomo.example',
  ])('the e-mail address %s is accepted', (address) => {
    expect(validateSubject({ format: 'email', email: address })).toEqual({ format: 'email', email: address })
  })

  test('each wrong address of ip-addresses is named by its place', () => {
    const subject = { format: 'ip-addresses', 'ip-addresses': ['10.0.0.1', '10.0.0.256', 7] }
    const paths = problemsOf(() => validateSubject(subject)).map(({ path }) => path)
    expect(paths).toEqual(['subject.ip-addresses[1]', 'subject.ip-addresses[2]'])
  })
})

describe('aliases (RFC 9493 §3.2.8)', () => {
  test('must not nest', () => {
    const problems = problemsOf(() => validateSubject({ format: 'aliases', identifiers: [email, examples.aliases] }))
    expect(problems).toMatchObject([{ path: 'subject.identifiers[1].format' }])
  })

  test('must not repeat an identifier, in whatever order its members stand', () => {
    const again = { email: email.email, format: 'email' }
    const problems = problemsOf(() => validateSubject({ format: 'aliases', identifiers: [email, phone, again] }))
    expect(problems).toEqual([
      { path: 'subject.identifiers[2]', message: 'must not repeat an identifier', section: 'RFC 9493 §3.2.8' },
    ])
  })

  test('every identifier is checked', () => {
    const identifiers = [{ format: 'email' }, 'x', { format: 'phone', phone_number: '+1' }]
    const paths = problemsOf(() => validateSubject({ format: 'aliases', identifiers })).map(({ path }) => path)
    expect(paths).toEqual(['subject.identifiers[0].email', 'subject.identifiers[1]', 'subject.identifiers[2].format'])
  })
})

test('complex needs a member beside format (SSF 1.0 §3.3)', () => {
  expect(problemsOf(() => validateSubject({ format: 'complex', user: undefined }))).toMatchObject([
    { path: 'subject', section: 'SSF 1.0 §3.3' },
  ])
})

test.for([
  undefined,
  null,
  'user@example.com',
  [],
  {},
  { format: 'password' },
  { format: '__proto__' },
  { format: null },
])('what is no subject is refused: %j', (subject) => {
  expect(problemsOf(() => validateSubject(subject))).toHaveLength(1)
})

test('an issuer inside a subject may differ from the token’s and is not corrected (RFC 9493 §4.2)', () => {
  const subject = { format: 'iss_sub', iss: 'https://elsewhere.example', sub: 's' }
  expect(validateSubject(subject)).toEqual(subject)
})
