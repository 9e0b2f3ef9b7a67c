import { decodeProtectedHeader } from 'jose'
import type { OutboxEvent } from 'risc-outbox'
import { publicJwks, verifySet } from 'risc-set'
import { expect } from 'vitest'
import { type Idp, issuer, keys, test } from './idp.ts'

const NOW = new Date('2026-07-14T03:33:20.999Z')
const IAT = 1784000000

const RISC = 'https://schemas.openid.net/secevent/risc/event-type'
const LOGIN_GOV = 'https://schemas.login.gov/secevent/risc/event-type'
const EMAIL = 'user@example.com'

test('one event becomes a SET of its own for each profile', async ({ idp }) => {
  await idp.addStream('old', { profile: 'login.gov', audience: ['https://agency.example.gov/events'] })
  await idp.addStream('new', { profile: 'ssf', audience: ['https://bank.example', 'https://bank.example/eu'] })
  await link(idp, 'old', 'new')

  const { txn, deliveries } = await enqueue(idp, { type: 'account-disabled', user: 'u-1', reason: 'hijacking' })

  const subject = { iss: issuer, sub: 'uuid-1' }
  expect(await idp.payloads()).toEqual([
    {
      iss: issuer,
      iat: IAT,
      jti: deliveries[0]?.jti,
      aud: ['https://bank.example', 'https://bank.example/eu'],
      txn,
      sub_id: { format: 'iss_sub', ...subject },
      events: { [`${RISC}/account-disabled`]: { reason: 'hijacking' } },
    },
    {
      iss: issuer,
      iat: IAT,
      exp: IAT + 43_200,
      jti: deliveries[1]?.jti,
      aud: 'https://agency.example.gov/events',
      events: {
        [`${RISC}/account-disabled`]: { subject: { subject_type: 'iss-sub', ...subject }, reason: 'hijacking' },
      },
    },
  ])
})

test("the ten events of login.gov say what the original's say", async ({ idp }) => {
  await idp.addStream('agency', { profile: 'login.gov' })
  await link(idp, 'agency')
  const email = { format: 'email', email: EMAIL } as const
  const user = 'u-1'

  const { deliveries } = await enqueue(idp, [
    { type: 'account-disabled', user, reason: 'account-suspension' },
    { type: 'account-enabled', user },
    { type: 'account-purged', user },
    { type: 'identifier-changed', user, subject: email },
    { type: 'identifier-recycled', user, subject: email },
    { type: 'mfa-limit-account-locked', user },
    { type: 'password-reset', user },
    { type: 'recovery-activated', user },
    { type: 'recovery-information-changed', user },
    { type: 'reproof-completed', user },
  ])

  const issSub = { subject: { subject_type: 'iss-sub', iss: issuer, sub: 'uuid-1' } }
  const emailSubject = { subject: { subject_type: 'email', email: EMAIL } }
  const events = [
    { [`${RISC}/account-disabled`]: { ...issSub, reason: 'account-suspension' } },
    { [`${RISC}/account-enabled`]: issSub },
    { [`${RISC}/account-purged`]: issSub },
    { [`${RISC}/identifier-changed`]: emailSubject },
    { [`${RISC}/identifier-recycled`]: emailSubject },
    { [`${LOGIN_GOV}/mfa-limit-account-locked`]: issSub },
    { [`${LOGIN_GOV}/password-reset`]: issSub },
    { [`${RISC}/recovery-activated`]: issSub },
    { [`${RISC}/recovery-information-changed`]: issSub },
    { [`${LOGIN_GOV}/reproof-completed`]: issSub },
  ]
  expect(await idp.payloads()).toEqual(
    events.map((one, n) => ({
      iss: issuer,
      iat: IAT,
      exp: IAT + 43_200,
      jti: deliveries[n]?.jti,
      aud: 'agency',
      events: one,
    })),
  )
  for (const { jti } of deliveries) expect(jti).toMatch(/^[0-9a-f]{32}$/)
})

test('a delivery verifies against the published keys, and its row names the key', async ({ idp }) => {
  await idp.addStream('new')
  await link(idp, 'new')
  await enqueue(idp, { type: 'account-purged', user: 'u-1' })

  const [row] = await idp.deliveries()
  const { kid } = keys.active
  expect(row).toMatchObject({ kid, event_type: `${RISC}/account-purged` })
  expect(decodeProtectedHeader(row?.signed_set ?? '')).toEqual({ typ: 'secevent+jwt', kid, alg: 'RS256' })
  const verified = await verifySet(row?.signed_set ?? '', { issuer, audience: 'new', jwks: publicJwks(keys) })
  expect(verified).toMatchObject({ jti: row?.jti })
})

function link(idp: Idp, ...streamIds: readonly string[]): Promise<void> {
  const subject = { format: 'iss_sub', iss: issuer, sub: 'uuid-1' } as const
  return idp.transaction(async (trx) => {
    for (const streamId of streamIds) await idp.outbox.link(trx, { user: 'u-1', streamId, subject })
  })
}

function enqueue(idp: Idp, events: OutboxEvent | readonly OutboxEvent[]) {
  return idp.transaction((trx) => idp.createOutbox({ clock: () => NOW }).enqueue(trx, events))
}
