import { generateKeyPairSync } from 'node:crypto'
import { decodeProtectedHeader } from 'jose'
import { InvalidKeysError, loadDecryptionKeys, publicJwks, verifySet } from 'risc-set'
import { expect } from 'vitest'
import { disable, type Idp, issuer, keys, test } from './idp.ts'
import { owe, prepare, resign, keys as rotating } from './resigning.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const publicJwk = { ...publicKey.export({ format: 'jwk' }), kid: 'theirs' }
const decryption = {
  keys: await loadDecryptionKeys({ keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'theirs' }] }),
  required: true,
}

async function encryptTo(idp: Idp, streamId: string, jwk: unknown): Promise<void> {
  await idp.pool.query('update risc.streams set encryption_key = $2 where id = $1', [streamId, JSON.stringify(jwk)])
}

test('what is enqueued for a stream with a key can be read by its receiver alone; the others’ are as ever', async ({
  idp,
}) => {
  await idp.addStream('a')
  await idp.addStream('b')
  await idp.addUser('u-1', 'a', 'b')
  await encryptTo(idp, 'a', publicJwk)
  await idp.transaction(async (trx) => {
    await disable(trx, 'u-1')
    await idp.outbox.enqueue(trx, { type: 'account-disabled', user: 'u-1', reason: 'hijacking' })
  })
  const [ours, other] = await idp.deliveries()
  expect(decodeProtectedHeader(ours?.signed_set ?? '')).toMatchObject({ cty: 'JWT', kid: 'theirs', alg: 'ECDH-ES' })
  const row = { ...ours, jti: null, stream_id: null }
  expect(JSON.stringify(row)).not.toMatch(/u-1|hijacking|at a/)
  const options = { issuer, jwks: publicJwks(keys) }
  const set = await verifySet(ours?.signed_set ?? '', { ...options, audience: 'a', decryption })
  expect(set).toMatchObject({ jti: ours?.jti, subject: { id: 'u-1 at a' } })
  expect(await verifySet(other?.signed_set ?? '', { ...options, audience: 'b' })).toMatchObject({ jti: other?.jti })
})

test('SETs about the stream itself are encrypted too', async ({ idp }) => {
  await idp.addStream('a')
  await encryptTo(idp, 'a', publicJwk)
  await idp.transaction((trx) => idp.outbox.verifyStream(trx, { streamId: 'a' }))
  await idp.transaction((trx) => idp.outbox.setStreamStatus(trx, { streamId: 'a', status: 'paused' }))
  for (const { signed_set, jti } of await idp.deliveries()) {
    const set = await verifySet(signed_set, { issuer, audience: 'a', jwks: publicJwks(keys), decryption })
    expect(set).toMatchObject({ jti, subject: { id: 'a' } })
  }
})

test('a stream whose key cannot be used is named, and nobody gets anything', async ({ idp }) => {
  await idp.addStream('a')
  await idp.addStream('b')
  await idp.addUser('u-1', 'a', 'b')
  await encryptTo(idp, 'b', { ...publicJwk, x: publicJwk.y })
  const enqueueing = idp.transaction((trx) => idp.outbox.enqueue(trx, { type: 'account-disabled', user: 'u-1' }))
  await expect(enqueueing).rejects.toBeInstanceOf(InvalidKeysError)
  await expect(enqueueing).rejects.toThrow('stream b: jwk: must have well-formed public members')
  expect(await idp.deliveries()).toEqual([])
})

test('no stream can have a private key, a secret one or something else to encrypt to', async ({ idp }) => {
  await idp.addStream('a')
  for (const jwk of [privateKey.export({ format: 'jwk' }), { kty: 'oct', k: 'c2VjcmV0' }, {}, [], 'key', 1, null]) {
    await expect(encryptTo(idp, 'a', jwk), JSON.stringify(jwk)).rejects.toMatchObject({
      constraint: 'encryption_key_is_public',
    })
  }
})

test('a new signature is not for what is encrypted: it is named, and holds up nothing else', async ({ idp }) => {
  await prepare(idp)
  await encryptTo(idp, 'a', publicJwk)
  await owe(idp, 2)
  await idp.pool.query('update risc.streams set encryption_key = null')
  await owe(idp, 2)
  const before = await idp.deliveries()
  const unverified = before.slice(0, 2).map(({ jti }) => jti)
  expect(await resign(idp, 1)).toEqual({ resigned: 1, remaining: 3, unverified })
  expect(await resign(idp)).toEqual({ resigned: 1, remaining: 2, unverified })
  expect((await idp.deliveries()).slice(0, 2)).toEqual(before.slice(0, 2))
  const [first] = before
  const options = { issuer, audience: 'a', jwks: publicJwks(rotating.during), decryption }
  await expect(verifySet(first?.signed_set ?? '', options)).resolves.toMatchObject({ jti: first?.jti })
})
