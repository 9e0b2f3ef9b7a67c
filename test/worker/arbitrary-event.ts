import fc from 'fast-check'
import type { JsonObject, JsonValue, SecurityEvent, SimpleSubject, SubjectIdentifier } from 'risc-set'

// Every code point but U+0000, which PostgreSQL cannot hold; fast-check's binary strings have no lone surrogates.
const codePoint = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 1 })
  .map((unit) => (unit === '\0' ? '\u{1f310}' : unit))
// What is trimmed, escaped, normalized or reordered by those who mean well.
const tempting = fc.constantFrom(
  ' ',
  '\n',
  '\u00a0',
  '\ufeff',
  '\u200f',
  '\u2028',
  '\u0001',
  'e\u0301',
  'é',
  '"',
  '\\',
  "'",
  '%',
  '$1',
  '<',
)
const text = fc.string({ unit: fc.oneof(codePoint, tempting), maxLength: 40 })
const filled = text.filter((value) => value !== '')
const word = fc.string({ unit: fc.constantFrom(...'abcxyz0189'), minLength: 1, maxLength: 20 })

// JSON.parse of Node 24 (V8 13.6) reads {"p":1,"\\n":1} as having the name "\\" once it has met {"p":1,"\\\\":1}.
const name = text.map((value) => (value === '\\' ? '\\\\' : value))

const { value: json } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0), // JSON has no -0
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4 }),
  ),
}))
const claims: fc.Arbitrary<JsonObject> = fc.dictionary(name, json, { maxKeys: 5 })

const email = fc
  .tuple(
    fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .map((value) => value.replaceAll(/[\s\p{Cc}()<>[\]:;@\\,."]/gu, 'ü')),
    word,
  )
  .map(([local, host]) => ({ format: 'email', email: `${local}@${host}.example` }) as const)
const issSub = filled.map(
  (sub) => ({ format: 'iss_sub', iss: 'https://idp.example/', sub: sub.replaceAll(':', '：') }) as const,
)
const phone = fc
  .bigInt(10n, 999_999_999_999_999n)
  .map((number) => ({ format: 'phone_number', phone_number: `+${number}` }) as const)
const opaque = filled.map((id) => ({ format: 'opaque', id }) as const)

const simple: fc.Arbitrary<SimpleSubject> = fc.oneof(
  issSub,
  email,
  phone,
  opaque,
  word.map((name) => ({ format: 'account', uri: `acct:${name}@rp.example` }) as const),
  word.map((id) => ({ format: 'did', url: `did:example:${id}` }) as const),
  filled.map((path) => ({ format: 'uri', uri: `https://rp.example/${encodeURIComponent(path)}` }) as const),
  filled.map((jti) => ({ format: 'jwt_id', iss: 'https://idp.example/', jti }) as const),
  fc
    .tuple(filled, filled)
    .map(([issuer, assertion_id]) => ({ format: 'saml_assertion_id', issuer, assertion_id }) as const),
  fc
    .array(fc.oneof(fc.ipV4(), fc.ipV6()), { minLength: 1, maxLength: 3 })
    .map((addresses) => ({ format: 'ip-addresses', 'ip-addresses': addresses }) as const),
)
const complex = fc
  .dictionary(
    name.filter((value) => value !== '' && value !== 'format'),
    simple,
    { minKeys: 1, maxKeys: 3 },
  )
  .map((parts) => ({ ...parts, format: 'complex' }) as const)

/** A subject of any format, with any text where its format leaves the text free. */
export const anySubject: fc.Arbitrary<SubjectIdentifier> = fc.oneof(
  { arbitrary: simple, weight: 10 },
  complex,
  fc
    .uniqueArray(fc.oneof(simple, complex), { minLength: 1, maxLength: 3, selector: (one) => JSON.stringify(one) })
    .map((identifiers) => ({ format: 'aliases', identifiers }) as const),
)

const reasons = fc.dictionary(fc.constantFrom('en', 'pt-BR', 'zh-Hant'), text, { minKeys: 1 })
const filledClaims = claims.filter((object) => Object.keys(object).length > 0)

/** An event with any text where its section leaves the text free: one of RISC, CAEP and SSF each, and any JSON by URI. */
export const anyEvent: fc.Arbitrary<SecurityEvent> = fc.oneof(
  {
    arbitrary: fc.record({
      type: fc.constant('urn:example:said' as const),
      claims: claims.filter((object) => !Object.hasOwn(object, 'subject')),
    }),
    weight: 3,
  },
  fc.record(
    {
      type: fc.constant('credential-change' as const),
      credential_type: fc.constant('fido2-roaming' as const),
      change_type: fc.constant('create' as const),
      friendly_name: filled,
      x509_issuer: filled,
      reason_admin: reasons,
      reason_user: reasons,
    },
    { requiredKeys: ['type', 'credential_type', 'change_type'] },
  ),
  fc.record({ type: fc.constant('token-claims-change' as const), claims: filledClaims }),
  fc.record({
    type: fc.constant('identifier-changed' as const),
    subject: fc.oneof(email, phone),
    'new-value': filled,
  }),
  fc.record({
    type: fc.constant('stream-updated' as const),
    subject: opaque,
    status: fc.constant('paused' as const),
    reason: filled,
  }),
)
