import {
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  privateDecrypt,
} from 'node:crypto'
import { CompactEncrypt, compactDecrypt, importJWK } from 'jose'
import {
  createReceiver,
  encryptSet,
  InvalidSetError,
  loadDecryptionKeys,
  loadEncryptionKey,
  loadSigningKeys,
  publicJwks,
  signSet,
  type VerifyOptions,
  verifySet,
} from 'risc-set'
import { describe, expect, test } from 'vitest'
import { encryptionJwks, type Kind, kinds } from './encryption-fixture.ts'
import { audience, claimsOf, issuer, privateJwks, publicHalf } from './fixture.ts'

const signing = await loadSigningKeys({ keys: [privateJwks.ES256] })
const claims = claimsOf({ issuedAt: new Date() }, { type: 'account-disabled', reason: 'hijacking' })
const { jwt } = await signSet(claims, signing)
const keys = await loadDecryptionKeys({ keys: Object.values(encryptionJwks) })
const signed = { issuer, audience, jwks: publicJwks(signing) } satisfies VerifyOptions
const options = { ...signed, decryption: { keys } } satisfies VerifyOptions

const encryptTo = async (kind: Kind) => encryptSet(jwt, await loadEncryptionKey(publicHalf(encryptionJwks[kind])))
const headerOf = (jwe: string) => JSON.parse(Buffer.from(jwe.split('.')[0] ?? '', 'base64url').toString())

async function refusalOf(body: string, given: VerifyOptions = options): Promise<string> {
  const error = await verifySet(body, given).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof InvalidSetError) return `${error.err}: ${error.message}`
  throw new Error('was not refused', { cause: error })
}

/** A JWE by jose alone, so that it can be wrong. Members given as undefined are left out. */
async function encryptByHand(header: object, text = jwt): Promise<string> {
  const right = { typ: 'secevent+jwt', cty: 'JWT', kid: 'RSA-OAEP-256', alg: 'RSA-OAEP-256', enc: 'A256GCM' }
  const members = Object.entries({ ...right, ...header }).filter(([, value]) => value !== undefined)
  return new CompactEncrypt(Buffer.from(text))
    .setProtectedHeader(Object.fromEntries(members) as unknown as typeof right)
    .encrypt(await importJWK(publicHalf(encryptionJwks['RSA-OAEP-256']), 'RSA-OAEP-256'))
}

describe('an encrypted SET reads as the one that is signed alone', () => {
  test.for(kinds)('%s', async (kind) => {
    const jwe = await encryptTo(kind)
    expect(jwe).not.toContain(jwt.split('.')[1])
    expect(await verifySet(jwe, options)).toEqual(await verifySet(jwt, signed))
  })

  test('and one that jose alone encrypted does, with or without typ and kid', async () => {
    const all = await verifySet(jwt, signed)
    expect(await verifySet(await encryptByHand({}), options)).toEqual(all)
    expect(await verifySet(await encryptByHand({ typ: undefined, kid: undefined, cty: 'jwt' }), options)).toEqual(all)
  })
})

describe('what is encrypted opens without this library', () => {
  test.for(kinds)('by jose alone: %s', async (kind) => {
    const jwe = await encryptTo(kind)
    const { alg = '', kid } = encryptionJwks[kind]
    const { plaintext, protectedHeader } = await compactDecrypt(jwe, await importJWK(encryptionJwks[kind], alg))
    expect(Buffer.from(plaintext).toString()).toBe(jwt)
    expect(protectedHeader).toMatchObject({ typ: 'secevent+jwt', cty: 'JWT', kid, alg, enc: 'A256GCM' })
  })

  test('by node:crypto alone: RSA-OAEP-256', async () => {
    const jwe = await encryptTo('RSA-OAEP-256')
    const key = createPrivateKey({ key: encryptionJwks['RSA-OAEP-256'], format: 'jwk' })
    const wrapped = Buffer.from(jwe.split('.')[1] ?? '', 'base64url')
    expect(openContent(jwe, privateDecrypt({ key, oaepHash: 'sha256' }, wrapped))).toBe(jwt)
  })

  test('by node:crypto alone: ECDH-ES', async () => {
    const jwe = await encryptTo('ECDH-ES')
    const secret = diffieHellman({
      privateKey: createPrivateKey({ key: encryptionJwks['ECDH-ES'], format: 'jwk' }),
      publicKey: createPublicKey({ key: headerOf(jwe).epk, format: 'jwk' }),
    })
    expect(openContent(jwe, deriveByConcatKdf(secret))).toBe(jwt)
  })
})

/** A256GCM (RFC 7518 §5.3), with the header as it came for additional data. */
function openContent(jwe: string, contentKey: Buffer): string {
  const [header = '', , iv = '', ciphertext = '', tag = ''] = jwe.split('.')
  const decipher = createDecipheriv('aes-256-gcm', contentKey, Buffer.from(iv, 'base64url'))
  decipher.setAAD(Buffer.from(header)).setAuthTag(Buffer.from(tag, 'base64url'))
  return Buffer.concat([decipher.update(Buffer.from(ciphertext, 'base64url')), decipher.final()]).toString()
}

/** RFC 7518 §4.6.2, in one round, for the 256 bits of A256GCM and with no party information. */
function deriveByConcatKdf(secret: Buffer): Buffer {
  const number = (value: number) => Buffer.from(Uint32Array.of(value).buffer).swap32()
  const info = [number(7), Buffer.from('A256GCM'), number(0), number(0), number(256)]
  return createHash('sha256')
    .update(Buffer.concat([number(1), secret, ...info]))
    .digest()
}

describe('a receiver refuses', () => {
  test('what is encrypted, where it has no keys for that', async () => {
    expect(await refusalOf(await encryptTo('ECDH-ES'), signed)).toBe(
      'invalid_request: Encrypted SETs are not accepted here',
    )
  })

  test('what is signed alone, where encryption is required', async () => {
    const required = { ...signed, decryption: { keys, required: true } }
    expect(await refusalOf(jwt, required)).toBe('invalid_request: The SET must be encrypted')
    await expect(verifySet(await encryptTo('ECDH-ES'), required)).resolves.toMatchObject({ jti: claims.jti })
  })

  test('what is encrypted and not signed, or twice encrypted, or nothing known', async () => {
    const unsigned = `${Buffer.from('{"typ":"secevent+jwt","alg":"none"}').toString('base64url')}.${jwt.split('.')[1]}.`
    expect(await refusalOf(await encryptByHand({}, unsigned))).toMatch(/^invalid_request: alg must be one of/)
    expect(await refusalOf(await encryptByHand({}, JSON.stringify(claims)))).toMatch(/^invalid_request/)
    expect(await refusalOf(await encryptByHand({}, await encryptByHand({})))).toBe(
      'invalid_request: The body is not a compact JWS',
    )
    expect(await refusalOf('a.b.c.d.e')).toMatch(/the header cannot be read/)
    expect(await refusalOf('a..c.d')).toBe('invalid_request: The body is not a compact JWS')
  })

  test.for<[string, object, string]>([
    ['no cty', { cty: undefined }, 'invalid_request: cty'],
    ['another cty', { cty: 'JSON' }, 'invalid_request: cty'],
    ['another typ', { typ: 'logout+jwt' }, 'invalid_request: typ'],
    ['another content encryption', { enc: 'A128CBC-HS256' }, 'invalid_request: enc'],
    ['an unknown kid', { kid: 'nobody' }, 'invalid_key: kid and alg'],
    ['the kid of a key for another algorithm', { kid: 'ECDH-ES' }, 'invalid_key: kid and alg'],
    ['another algorithm for the key', { alg: 'RSA-OAEP' }, 'invalid_key: kid and alg'],
  ])('%s', async ([, header, message]) => {
    const jwe = await encryptByHand({ ...header, alg: 'RSA-OAEP-256' })
    const [, ...rest] = jwe.split('.')
    const changed = Buffer.from(JSON.stringify({ ...headerOf(jwe), ...header })).toString('base64url')
    expect(await refusalOf([changed, ...rest].join('.'))).toContain(message)
  })

  test.for(['zip', 'crit'])('%s, before anything is decrypted', async (member) => {
    const [header = '', ...rest] = (await encryptTo('ECDH-ES')).split('.')
    const changed = { ...headerOf(header), [member]: member === 'zip' ? 'DEF' : ['exp'] }
    const encoded = Buffer.from(JSON.stringify(changed)).toString('base64url')
    expect(await refusalOf([encoded, ...rest].join('.'))).toBe(`invalid_request: ${member} is not supported`)
  })

  test.for([0, 1, 2, 3, 4])('what was changed on the way, in part %i', async (part) => {
    const parts = (await encryptTo('RSA-OAEP-256')).split('.')
    const bytes = Buffer.from(parts[part] ?? '', 'base64url')
    if (part === 0)
      bytes.writeUInt8(bytes.readUInt8(9) ^ 32, 9) // a letter of a value
    else bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
    const message = await refusalOf(
      parts.map((old, index) => (index === part ? bytes.toString('base64url') : old)).join('.'),
    )
    expect(message).toMatch(/^invalid_(key|request): /)
  })
})

test('a receiver of encrypted SETs answers as RFC 8935 demands, and gives what came to the application', async () => {
  const stored: string[] = []
  const receive = createReceiver({
    ...signed,
    decryption: { keys, required: true },
    async onSet(_, body) {
      stored.push(body)
      return 'stored'
    },
  })
  const post = (body: string) =>
    receive(new Request(audience, { method: 'POST', headers: { 'content-type': 'application/secevent+jwt' }, body }))
  const jwe = await encryptTo('ECDH-ES')
  expect((await post(jwe)).status).toBe(202)
  expect(stored).toEqual([jwe])
  const refused = await post(jwt)
  expect(refused.status).toBe(400)
  expect(await refused.json()).toEqual({ err: 'invalid_request', description: 'The SET must be encrypted' })
  const other = await loadEncryptionKey({ ...publicHalf(encryptionJwks['ECDH-ES']), kid: 'gone' })
  expect(await (await post(await encryptSet(jwt, other))).json()).toMatchObject({ err: 'invalid_key' })
})
