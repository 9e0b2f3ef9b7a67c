import { createHash, generateKeyPairSync } from 'node:crypto'
import { createOutbox } from 'risc-outbox'
import { loadDecryptionKeys, loadSigningKeys, publicJwks, verifySet } from 'risc-set'
import { expect } from 'vitest'
import { until } from '../support/until.ts'
import { addStream } from './rows.ts'
import { test } from './started-worker.ts'

const issuer = 'https://idp.example/'
const signing = await loadSigningKeys({
  keys: [generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })],
})
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const decryption = { keys: await loadDecryptionKeys({ keys: [privateKey.export({ format: 'jwk' })] }), required: true }

test('an encrypted SET is tried with the same bytes, and what its receiver says of it is not kept', async ({
  database,
  receiver,
  start,
}) => {
  const body = JSON.stringify({ err: 'invalid_key', description: 'Jane Roe of 12 Elm Street is not known here' })
  const partner = await receiver((_, n) => (n === 1 ? { status: 400, body } : { status: 202 }))
  const encryption_key = JSON.stringify(publicKey.export({ format: 'jwk' }))
  await addStream(database.pool, { id: 'a', endpoint_url: partner.url, audience: ['a'], encryption_key })
  const outbox = createOutbox({ issuer, keys: signing })
  const client = await database.pool.connect()
  await client.query('begin')
  await outbox.link(client, { user: 'u-1', streamId: 'a', subject: { format: 'opaque', id: 'Jane Roe' } })
  const { deliveries } = await outbox.enqueue(client, { type: 'account-purged', user: 'u-1' })
  await client.query('commit')
  client.release()
  start()

  await partner.received(1)
  const failed = await until(
    async () => (await database.pool.query(`select reason, description from risc.attempts`)).rows[0],
    'the attempt',
  )
  expect(failed).toEqual({ reason: 'invalid_key', description: null })
  await database.pool.query('update risc.deliveries set due_at = now()')
  const requests = await partner.received(2)
  const [first = '', second] = requests.map((request) => request.body)
  expect(second).toBe(first)
  const set = await verifySet(first, { issuer, audience: 'a', jwks: publicJwks(signing), decryption })
  expect(set).toMatchObject({ jti: deliveries[0]?.jti, subject: { id: 'Jane Roe' } })
  const proof = await until(
    async () => (await database.pool.query('select set_sha256 from risc.history')).rows[0],
    'the proof',
  )
  expect(proof.set_sha256).toEqual(createHash('sha256').update(first).digest())
})
