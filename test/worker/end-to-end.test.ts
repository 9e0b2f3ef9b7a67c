import { exportJWK, generateKeyPair } from 'jose'
import type { Pool } from 'pg'
import { createOutbox, type Outbox, type OutboxEvent } from 'risc-outbox'
import { loadSigningKeys, publicJwks, verifySet } from 'risc-set'
import { expect } from 'vitest'
import { until } from '../support/until.ts'
import { addStream } from './rows.ts'
import { test } from './started-worker.ts'

const issuer = 'https://secure.login.gov/'
const NOW = new Date('2026-07-14T03:33:20.999Z')
const SUB = '11111111-aaaa-4bbb-8ccc-222222222222'
const EMAIL = 'user@example.com'

const { privateKey } = await generateKeyPair('RS256', { extractable: true })
const keys = await loadSigningKeys(
  { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig' }] },
  { kid: 'login.gov' },
)
const outbox = createOutbox({ issuer, keys, clock: () => NOW })

/** The original's own examples, as it sends them: O and L stand for its two prefixes. */
const ORIGINALS: readonly [event: OutboxEvent, events: string][] = [
  [
    { type: 'account-disabled', user: 'u', reason: 'account-suspension' },
    '{"O/account-disabled":{ISS_SUB,"reason":"account-suspension"}}',
  ],
  [{ type: 'account-enabled', user: 'u' }, '{"O/account-enabled":{ISS_SUB}}'],
  [{ type: 'account-purged', user: 'u' }, '{"O/account-purged":{ISS_SUB}}'],
  [
    { type: 'identifier-changed', user: 'u', subject: { format: 'email', email: EMAIL } },
    '{"O/identifier-changed":{EMAIL}}',
  ],
  [
    { type: 'identifier-recycled', user: 'u', subject: { format: 'email', email: EMAIL } },
    '{"O/identifier-recycled":{EMAIL}}',
  ],
  [{ type: 'mfa-limit-account-locked', user: 'u' }, '{"L/mfa-limit-account-locked":{ISS_SUB}}'],
  [{ type: 'password-reset', user: 'u' }, '{"L/password-reset":{ISS_SUB}}'],
  [{ type: 'recovery-activated', user: 'u' }, '{"O/recovery-activated":{ISS_SUB}}'],
  [{ type: 'recovery-information-changed', user: 'u' }, '{"O/recovery-information-changed":{ISS_SUB}}'],
  [{ type: 'reproof-completed', user: 'u' }, '{"L/reproof-completed":{ISS_SUB}}'],
]

function inFull(events: string): string {
  return events
    .replace('ISS_SUB', `"subject":{"subject_type":"iss-sub","iss":"${issuer}","sub":"${SUB}"}`)
    .replace('EMAIL', `"subject":{"subject_type":"email","email":"${EMAIL}"}`)
    .replace('"O/', '"https://schemas.openid.net/secevent/risc/event-type/')
    .replace('"L/', '"https://schemas.login.gov/secevent/risc/event-type/')
}

const part = (jwt: string, index: number): string => Buffer.from(jwt.split('.')[index] ?? '', 'base64url').toString()

async function commit(pool: Pool, work: (trx: Parameters<Outbox['enqueue']>[0]) => Promise<unknown>): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await work(client)
    await client.query('commit')
  } finally {
    client.release()
  }
}

async function know(pool: Pool, streamId: string): Promise<void> {
  const subject = { format: 'iss_sub', iss: issuer, sub: SUB } as const
  await commit(pool, (trx) => outbox.link(trx, { user: 'u', streamId, subject }))
}

test.for(ORIGINALS)(
  "a push of %o in the profile login.gov is the original's, byte for byte",
  async ([event, events], { database: { pool }, receiver, start }) => {
    const agency = await receiver()
    await addStream(pool, { id: 'agency', endpoint_url: agency.url, profile: 'login.gov', audience: [agency.url] })
    await know(pool, 'agency')
    await commit(pool, (trx) => outbox.enqueue(trx, event))
    start()

    const [request] = await agency.received(1)
    const body = request?.body ?? ''
    expect(request).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'application/secevent+jwt', accept: 'application/json' },
    })
    expect(request?.headers).not.toHaveProperty('authorization')
    const kid = publicJwks(keys).keys[0]?.kid ?? ''
    expect(kid).toMatch(/^[0-9a-f]{64}$/)
    expect(part(body, 0)).toBe(`{"typ":"secevent+jwt","kid":"${kid}","alg":"RS256"}`)
    const jti = JSON.parse(part(body, 1)).jti
    expect(jti).toMatch(/^[0-9a-f]{32}$/)
    expect(part(body, 1)).toBe(
      `{"iss":"${issuer}","iat":1784000000,"exp":1784043200,"jti":"${jti}","aud":"${agency.url}","events":${inFull(events)}}`,
    )
    await verifySet(body, {
      issuer,
      audience: agency.url,
      jwks: publicJwks(keys),
      profile: 'login.gov',
      now: () => NOW,
    })
  },
)

test('a push of the profile ssf has what SSF 1.0 demands and nothing it forbids', async ({
  database: { pool },
  receiver,
  start,
}) => {
  const bank = await receiver()
  await addStream(pool, { id: 'bank', endpoint_url: bank.url, audience: ['https://bank.example'] })
  await know(pool, 'bank')
  await commit(pool, (trx) => outbox.enqueue(trx, { type: 'account-disabled', user: 'u', reason: 'hijacking' }))
  start()

  const [request] = await bank.received(1)
  const claims = JSON.parse(part(request?.body ?? '', 1))
  expect(JSON.parse(part(request?.body ?? '', 0))).toEqual({
    typ: 'secevent+jwt',
    kid: expect.any(String),
    alg: 'RS256',
  })
  expect(claims).toEqual({
    iss: issuer,
    iat: 1784000000,
    jti: expect.stringMatching(/^[0-9a-f]{32}$/),
    aud: 'https://bank.example',
    txn: expect.any(String),
    sub_id: { format: 'iss_sub', iss: issuer, sub: SUB },
    events: { 'https://schemas.openid.net/secevent/risc/event-type/account-disabled': { reason: 'hijacking' } },
  })
})

test('what is rolled back, by savepoint or serialization failure too, is never sent', async ({
  database: { pool },
  receiver,
  start,
}) => {
  const bank = await receiver()
  await addStream(pool, { id: 'bank', endpoint_url: bank.url })
  await know(pool, 'bank')
  start()
  const [trx, rival] = [await pool.connect(), await pool.connect()]
  const enqueue = (type: 'account-disabled' | 'account-enabled' | 'account-purged') =>
    outbox.enqueue(trx, { type, user: 'u' })
  try {
    await trx.query('begin')
    await enqueue('account-purged')
    await trx.query('rollback')

    await trx.query('begin; savepoint before')
    await enqueue('account-purged')
    await trx.query('rollback to savepoint before')
    await enqueue('account-disabled')
    await trx.query('commit')

    await trx.query('create table counter as select 0 as n')
    await trx.query('begin isolation level repeatable read')
    await enqueue('account-purged')
    await rival.query('update counter set n = n + 1')
    await expect(trx.query('update counter set n = n + 1')).rejects.toMatchObject({ code: '40001' })
    await trx.query('rollback')

    await trx.query('begin')
    await enqueue('account-enabled')
    await trx.query('commit')
  } finally {
    trx.release()
    rival.release()
  }
  await bank.received(2)
  await until(async () => (await pool.query('select from risc.history')).rowCount === 2 || undefined, 'history')
  const types = bank.requests.map(({ body }) =>
    Object.keys(JSON.parse(part(body, 1)).events)[0]
      ?.split('/')
      .at(-1),
  )
  expect(types.sort()).toEqual(['account-disabled', 'account-enabled'])
  expect((await pool.query('select from risc.deliveries')).rowCount).toBe(0)
})
