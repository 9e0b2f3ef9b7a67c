import { decodeJwt, decodeProtectedHeader } from 'jose'
import type { Pool } from 'pg'
import { createOutbox, type QueryableTransaction } from 'risc-outbox'
import { type PublicJwks, publicJwks, type SigningKeys, verifySet } from 'risc-set'
import { expect } from 'vitest'
import { Idp } from '../outbox/idp.ts'
import { rotate } from '../outbox/rotation.ts'
import type { TestDatabase } from '../support/database.ts'
import type { Reply } from '../support/receiver.ts'
import { until } from '../support/until.ts'
import { runCommand, runJson } from './cli/command.ts'
import { addStream } from './rows.ts'
import { test } from './started-worker.ts'

const issuer = 'https://idp.example/'
const audience = 'https://bank.example'
const HOUR_MS = 3_600_000

/** Commits `count` events, of a user each. Returns the `jti`s. */
async function tell(database: TestDatabase, keys: SigningKeys, count: number): Promise<string[]> {
  const outbox = createOutbox({
    issuer,
    keys,
    recipients: async (_: QueryableTransaction, { user }) => [
      { streamId: 'bank', subject: { format: 'opaque', id: user } },
    ],
  })
  const events = Array.from({ length: count }, (_, n) => ({ type: 'account-disabled', user: `u-${n}` }) as const)
  const { deliveries } = await new Idp(database).transaction((trx) => outbox.enqueue(trx, events))
  return deliveries.map(({ jti }) => jti)
}

/**
 * Resolves when some deliveries wait for another attempt, and all others behind the breaker that those have opened: for
 * long enough that no probe is under way when the next step is taken.
 */
async function untilHeld(pool: Pool): Promise<void> {
  await until(async () => {
    const { rowCount } = await pool.query(`
      select from risc.flow where open_until > now() + interval '5 seconds' and not exists (select from risc.inflight)`)
    return rowCount === 1 || undefined
  }, 'all to wait')
}

/** The partner says that it has mended its endpoint: nothing waits any longer. */
async function endWaits(pool: Pool, jtis: readonly string[]): Promise<void> {
  await pool.query('select risc.retry($1)', [jtis])
  await pool.query('update risc.streams set endpoint_url = endpoint_url')
}

test('a rotation under load loses nothing, and every SET verifies with the keys published when it came', async ({
  database,
  receiver,
  start,
}) => {
  const { pool, url } = database
  const env = { DATABASE_URL: url }
  const keys = await rotate()
  let published: PublicJwks = publicJwks(keys.before)
  const came: { readonly body: string; readonly jwks: PublicJwks }[] = []
  let answer: Reply = { status: 503 }
  const bank = await receiver(({ body }) => {
    came.push({ body, jwks: published })
    return answer
  })
  await addStream(pool, {
    id: 'bank',
    endpoint_url: bank.url,
    audience: [audience],
    retry_delays_ms: [HOUR_MS, HOUR_MS],
    max_in_flight: 20,
  })
  const count = async (where: string): Promise<number> => {
    const { rows } = await pool.query(`select count(*)::integer as count from risc.deliveries where ${where}`)
    return rows[0].count
  }

  const signedByOld = await tell(database, keys.before, 500)
  start()
  await untilHeld(pool)
  const inVain = came.length
  expect(inVain).toBeGreaterThan(0)

  // Published first, and then signed with.
  published = publicJwks(keys.during)
  const retire = () => runCommand(['key', 'retire', 'old', '--recent', '0s'], env)
  const refusal = await retire()
  expect(refusal).toMatchObject({ code: 1, stdout: '' })
  expect(refusal.stderr).toMatch(/key old is still needed until 20\S+Z by SETs that it signed: 500 unsettled\n$/)

  answer = { status: 202 }
  const signedByNew = tell(database, keys.during, 200)
  await endWaits(pool, signedByOld)
  await until(async () => {
    const { code } = await retire()
    const left = await count(`kid = 'old'`)
    if (left > 0) expect(code, `retired with ${left} waiting`).toBe(1)
    return code === 0 || undefined
  }, 'key old to be retired')

  published = publicJwks(keys.after)
  const jtis = [...signedByOld, ...(await signedByNew), ...(await tell(database, keys.during, 100))]
  await until(async () => (await count('true')) === 0 || undefined, 'all to be delivered')

  const { rows } = await pool.query<{ jti: string }>(`select jti from risc.history where outcome = 'accepted'`)
  expect(rows.map(({ jti }) => jti).toSorted()).toEqual(jtis.toSorted())
  const verified = await Promise.all(came.map(({ body, jwks }) => verifySet(body, { issuer, audience, jwks })))
  expect(verified).toHaveLength(inVain + 800)
  const last = new Map(came.map(({ body }) => [decodeJwt(body).jti, decodeProtectedHeader(body).kid]))
  expect(jtis.map((jti) => last.get(jti))).toEqual([...Array(500).fill('old'), ...Array(300).fill('new')])
  expect(await runJson(['key', 'list', '--recent', '0s'], env)).toMatchObject({
    keys: [{ kid: 'old', unsettled: 0, in_use_again: false }],
  })
})

test('what a compromised key signed is delivered under another, and a key may go at once', async ({
  database,
  receiver,
  start,
}) => {
  const { pool, url } = database
  const keys = await rotate()
  const bank = await receiver(() => ({ status: 503 }))
  await addStream(pool, { id: 'bank', endpoint_url: bank.url, audience: [audience], retry_delays_ms: [HOUR_MS] })
  const jtis = await tell(database, keys.before, 50)
  start()
  await untilHeld(pool)
  const inVain = bank.requests.length

  const outbox = createOutbox({ issuer, keys: keys.during })
  const resigned = await new Idp(database).transaction((trx) => outbox.resign(trx, { kid: 'old' }))
  expect(resigned).toEqual({ resigned: 50, remaining: 0, unverified: [] })
  bank.respond = () => ({ status: 202 })
  await endWaits(pool, jtis)

  const requests = (await bank.received(inVain + 50)).slice(inVain)
  const sets = requests.map(({ body }) => verifySet(body, { issuer, audience, jwks: publicJwks(keys.after) }))
  expect((await Promise.all(sets)).map(({ jti }) => jti).toSorted()).toEqual(jtis.toSorted())
  expect(await runCommand(['key', 'list'], { DATABASE_URL: url })).toMatchObject({ code: 0 })
})
