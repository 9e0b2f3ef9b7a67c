import { createHmac, createPrivateKey, sign } from 'node:crypto'
import {
  InvalidSetError,
  loadSigningKeys,
  type ProfileName,
  publicJwks,
  signSet,
  type VerifyOptions,
  verifySet,
} from 'risc-set'
import { describe, expect, test } from 'vitest'
import { audience, claimsOf, issuer, privateJwks, subject } from './fixture.ts'

const keys = await loadSigningKeys({ keys: [{ ...privateJwks.ES256, kid: 'k1' }] })
const options = { issuer, audience, jwks: publicJwks(keys) } satisfies VerifyOptions
const claims = claimsOf({ issuedAt: new Date() }, { type: 'account-disabled', reason: 'hijacking' })
const header = { typ: 'secevent+jwt', kid: 'k1', alg: 'ES256' }
const uri = 'https://schemas.openid.net/secevent/risc/event-type/account-disabled'

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A SET signed by hand, so that it can be wrong. Members given as undefined are left out. */
function mint(payload: object, head: object = {}): string {
  const input = `${encode({ ...header, ...head })}.${typeof payload === 'string' ? payload : encode(payload)}`
  const key = createPrivateKey({ key: privateJwks.ES256, format: 'jwk' })
  return `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

async function errOf(jwt: string, given: Partial<VerifyOptions> = {}): Promise<string> {
  const error = await verifySet(jwt, { ...options, ...given }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof InvalidSetError) return error.err
  throw new Error('was not refused', { cause: error })
}

describe('a verified SET reads the same in every profile', () => {
  test.for<ProfileName>(['ssf', 'login.gov'])('%s', async (profile) => {
    const built = claimsOf(
      { profile, issuedAt: new Date(1_784_000_000_000) },
      { type: 'account-disabled', reason: 'hijacking' },
    )
    const { jwt } = await signSet(built, keys)
    const set = await verifySet(jwt, { ...options, profile, now: () => new Date(1_784_000_001_000) })
    expect(set).toEqual({
      jti: '3f1c0b0e6a0d4d0f9b7f6a2f0c1d2e3f',
      issuer,
      issuedAt: new Date(1_784_000_000_000),
      ...(profile === 'ssf' && { txn: 'f7a9' }),
      subject,
      events: [{ type: 'account-disabled', uri, claims: { reason: 'hijacking' } }],
    })
  })

  test('and e-mail subjects do too', async () => {
    const email = { format: 'email', email: 'user@example.com' } as const
    const { jwt } = await signSet(claimsOf({ profile: 'login.gov', subject: email, issuedAt: new Date() }), keys)
    expect((await verifySet(jwt, { ...options, profile: 'login.gov' })).subject).toEqual(email)
  })

  test('an event nobody catalogued has its URI for a type', async () => {
    const jwt = mint({ ...claims, events: { 'urn:example:e': {} } })
    expect((await verifySet(jwt, options)).events).toEqual([
      { type: 'urn:example:e', uri: 'urn:example:e', claims: {} },
    ])
  })
})

describe('accepted, as the standards have it', () => {
  test.for<[string, object, object]>([
    ['several audiences of which one is the receiver', { aud: ['other', audience] }, {}],
    ['unknown claims (SSF 1.0 §4.2.3)', { toe: 1, extra: { a: 1 } }, {}],
    ['no txn', { txn: undefined }, {}],
    [
      'the subject in the event as well (SSF 1.0 §3.1.1)',
      { events: { [uri]: { subject: { subject_type: 'iss-sub' } } } },
      {},
    ],
    ['several URIs of one event (SSF 1.0 §4.2.1)', { events: { [uri]: {}, 'urn:example:alias': {} } }, {}],
    ['typ with its application/ and in capitals (RFC 7515 §4.1.9)', {}, { typ: 'application/SECEVENT+JWT' }],
  ])('%s', async ([, payload, head]) => {
    await expect(verifySet(mint({ ...claims, ...payload }, head), options)).resolves.toMatchObject({ jti: claims.jti })
  })

  test('one of several names of the receiver', async () => {
    await expect(verifySet(mint(claims), { ...options, audience: ['other', audience] })).resolves.toBeDefined()
  })
})

describe('invalid_request', () => {
  test.for<[string, string]>([
    ['no JWS', 'hello'],
    ['nothing', ''],
    ['JSON around the SET', JSON.stringify({ set: mint(claims) })],
    ['quotes around the SET', JSON.stringify(mint(claims))],
    ['a line feed after the SET', `${mint(claims)}\n`],
    ['two parts', mint(claims).split('.').slice(0, 2).join('.')],
    ['five parts', `${mint(claims)}.a.b`],
    ['a header that is no JSON', `e30x.${mint(claims).split('.').slice(1).join('.')}`],
    ['a payload that is no JSON', mint('bm90IGpzb24' as unknown as object)],
    ['a payload that is no object', mint([claims])],
    [
      'a payload that is not UTF-8',
      mint(Buffer.from('{"iss":"\xff"}', 'latin1').toString('base64url') as unknown as object),
    ],
    ['an unsigned SET', `${encode({ typ: 'secevent+jwt', alg: 'none' })}.${encode(claims)}.`],
    ['another typ', mint(claims, { typ: 'JWT' })],
    ['no typ', mint(claims, { typ: undefined })],
    ['no alg', mint(claims, { alg: undefined })],
    ['a crit header', mint(claims, { crit: ['b64'], b64: false })],
    ['iat in a string', mint({ ...claims, iat: '1784000000' })],
    ['iat in milliseconds', mint({ ...claims, iat: Date.now() })],
    ['no iat', mint({ ...claims, iat: undefined })],
    ['no jti', mint({ ...claims, jti: undefined })],
    ['an empty jti', mint({ ...claims, jti: '' })],
    ['a jti that is no string', mint({ ...claims, jti: 7 })],
    ['a txn that is no string', mint({ ...claims, txn: 7 })],
    ['sub beside sub_id', mint({ ...claims, sub: 'x' })],
    ['exp', mint({ ...claims, exp: 4_000_000_000 })],
    ['no events', mint({ ...claims, events: undefined })],
    ['no event', mint({ ...claims, events: {} })],
    ['events in an array', mint({ ...claims, events: [uri] })],
    ['an event that is no object', mint({ ...claims, events: { [uri]: null } })],
    ['an event whose name is no URI', mint({ ...claims, events: { 'account-disabled': {} } })],
    ['no sub_id', mint({ ...claims, sub_id: undefined })],
    ['a sub_id of the old dialect', mint({ ...claims, sub_id: { subject_type: 'iss-sub', iss: issuer, sub: 's' } })],
    ['a sub_id with a member too many', mint({ ...claims, sub_id: { ...subject, extra: 1 } })],
    ['a sub_id that is a text', mint({ ...claims, sub_id: 'user' })],
  ])('%s', async ([, jwt]) => {
    await expect(errOf(jwt)).resolves.toBe('invalid_request')
  })

  test('a public key used as an HMAC secret', async () => {
    const input = `${encode({ ...header, alg: 'HS256' })}.${encode(claims)}`
    const mac = createHmac('sha256', JSON.stringify(options.jwks.keys[0])).update(input).digest('base64url')
    await expect(errOf(`${input}.${mac}`)).resolves.toBe('invalid_request')
  })
})

describe('invalid_issuer and invalid_audience', () => {
  test.for<[string, object, string]>([
    ['another issuer', { iss: 'https://other.example/' }, 'invalid_issuer'],
    ['the issuer without its slash', { iss: issuer.slice(0, -1) }, 'invalid_issuer'],
    ['no issuer', { iss: undefined }, 'invalid_issuer'],
    ['another audience', { aud: 'https://other.example/' }, 'invalid_audience'],
    ['other audiences', { aud: ['a', 'b'] }, 'invalid_audience'],
    ['no audience', { aud: undefined }, 'invalid_audience'],
    ['an audience that is no text', { aud: { [audience]: 1 } }, 'invalid_audience'],
  ])('%s', async ([, payload, err]) => {
    await expect(errOf(mint({ ...claims, ...payload }))).resolves.toBe(err)
  })
})

describe('invalid_key', () => {
  test('a changed payload', async () => {
    const [head, , signature] = mint(claims).split('.')
    await expect(errOf(`${head}.${encode({ ...claims, jti: 'other' })}.${signature}`)).resolves.toBe('invalid_key')
  })

  test('an empty signature', async () => {
    await expect(errOf(`${mint(claims).split('.').slice(0, 2).join('.')}.`)).resolves.toBe('invalid_key')
  })

  test('an unknown kid', async () => {
    await expect(errOf(mint(claims, { kid: 'other' }))).resolves.toBe('invalid_key')
  })

  test('an algorithm that is not the key’s', async () => {
    await expect(errOf(mint(claims, { alg: 'ES384' }))).resolves.toBe('invalid_key')
  })

  test('no kid, while several keys would fit', async () => {
    const jwks = { keys: [...options.jwks.keys, { ...options.jwks.keys[0], kid: 'k2' } as { kty: string }] }
    await expect(errOf(mint(claims, { kid: undefined }), { jwks })).resolves.toBe('invalid_key')
  })

  test('a key sent along in the header is not trusted', async () => {
    const stranger = await loadSigningKeys({ keys: [privateJwks.EdDSA] })
    const input = `${encode({ typ: 'secevent+jwt', alg: 'EdDSA', jwk: stranger.published[0], jku: 'https://evil.example' })}.${encode(claims)}`
    const signature = Buffer.from(await stranger.active.sign(Buffer.from(input))).toString('base64url')
    await expect(errOf(`${input}.${signature}`)).resolves.toBe('invalid_key')
  })
})

describe('profile login.gov', () => {
  const built = claimsOf({ profile: 'login.gov', issuedAt: new Date(1_784_000_000_000) })
  const event = 'https://schemas.openid.net/secevent/risc/event-type/account-purged'
  const at = (seconds: number): Partial<VerifyOptions> => ({
    profile: 'login.gov',
    now: () => new Date(seconds * 1000),
  })
  const nested = (value: unknown) => ({ ...built, events: { [event]: { subject: value } } })

  test('exp counts, with a minute for clocks that differ', async () => {
    await expect(verifySet(mint(built), { ...options, ...at(1_784_043_259) })).resolves.toBeDefined()
    await expect(errOf(mint(built), at(1_784_043_260))).resolves.toBe('invalid_request')
  })

  test('exp may be absent', async () => {
    await expect(
      verifySet(mint({ ...built, exp: undefined }), { ...options, ...at(2_000_000_000) }),
    ).resolves.toBeDefined()
  })

  test.for<[string, object]>([
    ['exp in a string', { ...built, exp: '4000000000' }],
    ['sub', { ...built, sub: 'x' }],
    ['no subject', nested(undefined)],
    ['a subject in SSF form', nested(subject)],
    ['a subject type nobody described', nested({ subject_type: 'phone', phone: '+1' })],
    ['a subject with a member too many', nested({ subject_type: 'email', email: 'a@b.example', extra: 1 })],
    ['two events', { ...built, events: { ...built.events, 'urn:example:e': {} } }],
  ])('refuses %s', async ([, payload]) => {
    await expect(errOf(mint(payload), at(1_784_000_000))).resolves.toBe('invalid_request')
  })
})

test('an error tells the transmitter the rule, and quotes nothing of the SET', async () => {
  const jwt = mint({ ...claims, sub: 'alice', jti: 7, sub_id: { format: 'email', email: 'alice' } })
  const error = await verifySet(jwt, options).catch((thrown: Error) => thrown)
  expect(error).toMatchObject({
    code: 'ERR_RISC_INVALID_SET',
    err: 'invalid_request',
    message:
      'jti must be a string that is not empty (RFC 8417 §2.2); sub must not be present (SSF 1.0 §4.1.3); ' +
      'sub_id.email must be an e-mail address (RFC 5322 addr-spec) (RFC 9493 §3.2.2)',
  })
})
