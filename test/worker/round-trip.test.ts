import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import type { Pool } from 'pg'
import { createOutbox } from 'risc-outbox'
import {
  createReceiver,
  type EventName,
  eventUris,
  loadSigningKeys,
  nodeListener,
  type ProfileName,
  publicJwks,
  type SecurityEvent,
  type SubjectIdentifier,
  type VerifiedSet,
} from 'risc-set'
import { expect } from 'vitest'
import { until } from '../support/until.ts'
import { anyEvent, anySubject } from './arbitrary-event.ts'
import { addStream } from './rows.ts'
import { test } from './started-worker.ts'

const issuer = 'https://idp.example/'
const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
const keys = await loadSigningKeys({ keys: [jwk] })
const outbox = createOutbox({ issuer, keys })

/** An event, and as whom the receivers know its user. */
interface Case {
  readonly event: SecurityEvent
  readonly subject: SubjectIdentifier
}

const batches = fc.array(fc.record<Case>({ event: anyEvent, subject: anySubject }), {
  minLength: 1,
  maxLength: 40,
  size: 'max',
})

test('any claims and subjects arrive unchanged through PostgreSQL and push, in each profile that can carry them', async ({
  database: { pool },
  start,
}) => {
  await using ssf = await startPartner(pool, 'ssf')
  await using loginGov = await startPartner(pool, 'login.gov')
  start()

  await fc.assert(
    fc.asyncProperty(batches, async (batch) => {
      const sent = await enqueue(pool, batch)
      await until(() => allSettled(pool), 'every SET to be settled')
      expect(sent.map(({ jti }) => heard(ssf.arrived.get(jti) ?? loginGov.arrived.get(jti)))).toEqual(
        sent.map(({ given }) => said(given)),
      )
    }),
    { numRuns: 25 },
  )
  expect(ssf.arrived.size).toBeGreaterThan(100)
  expect(loginGov.arrived.size).toBeGreaterThan(20)
})

/** Commits a batch of events, each of another user. */
async function enqueue(pool: Pool, batch: readonly Case[]): Promise<{ jti: string; given: Case }[]> {
  const client = await pool.connect()
  try {
    const sent: { jti: string; given: Case }[] = []
    await client.query('begin')
    for (const given of batch) {
      const user = randomUUID()
      for (const streamId of profilesFor(given)) await outbox.link(client, { user, streamId, subject: given.subject })
      const { deliveries } = await outbox.enqueue(client, { ...given.event, user })
      expect(deliveries.map(({ streamId }) => streamId).sort()).toEqual(profilesFor(given).toSorted())
      sent.push(...deliveries.map(({ jti }) => ({ jti, given })))
    }
    await client.query('commit')
    return sent
  } finally {
    client.release(true) // and with it a transaction still open
  }
}

/** The streams are named after their profiles. */
function profilesFor(given: Case): ProfileName[] {
  return ['iss_sub', 'email'].includes(subjectOf(given).format) ? ['ssf', 'login.gov'] : ['ssf']
}

function subjectOf({ event, subject }: Case): SubjectIdentifier {
  return event.subject ?? subject
}

/** What a receiver must read: claims in their very order. */
function said(given: Case) {
  const { type, subject: _, ...claims } = given.event
  const uri = type in eventUris ? eventUris[type as EventName] : type
  const said = 'claims' in claims && uri === type ? claims.claims : claims
  return { subject: subjectOf(given), events: JSON.stringify([{ type, uri, claims: said }]) }
}

function heard(set: VerifiedSet | undefined) {
  return { subject: set?.subject, events: JSON.stringify(set?.events) }
}

/** A partner behind HTTP that takes what its stream's profile makes of an event. */
async function startPartner(pool: Pool, profile: ProfileName) {
  const arrived = new Map<string, VerifiedSet>()
  const receive = createReceiver({
    issuer,
    audience: profile,
    profile,
    jwks: publicJwks(keys),
    async onSet(set) {
      arrived.set(set.jti, set)
      return 'stored'
    },
  })
  const server = createServer(nodeListener(receive)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  await addStream(pool, { id: profile, profile, endpoint_url: url, audience: [profile] })
  return {
    arrived,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await once(server.close(), 'close')
    },
  }
}

async function allSettled(pool: Pool): Promise<true | undefined> {
  const { rowCount } = await pool.query('select from risc.pending')
  return rowCount === 0 || undefined
}
