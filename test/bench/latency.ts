import { setTimeout as sleep } from 'node:timers/promises'
import { exportJWK, generateKeyPair } from 'jose'
import type { Pool } from 'pg'
import { createOutbox } from 'risc-outbox'
import { loadSigningKeys } from 'risc-set'
import type { CountingReceiver } from './counting-receiver.ts'
import { startWorkerProcess } from './worker-process.ts'

export const EVENTS = 1000
export const EVENTS_PER_SECOND = 50

/** Milliseconds from the commit of each event, signed in its transaction, to its arrival, at a steady pace. */
export async function measureLatency(databaseUrl: string, pool: Pool, receiver: CountingReceiver): Promise<number[]> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const keys = await loadSigningKeys({ keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256' }] })
  const outbox = createOutbox({ issuer: 'https://idp.example/', keys })
  const client = await pool.connect()
  const stop = startWorkerProcess(databaseUrl)
  const committedAt = new Map<string, number>()
  try {
    await client.query('begin')
    for (let n = 1; n <= 20; n++) {
      await outbox.link(client, {
        user: `u-${n}`,
        streamId: `stream-${n}`,
        subject: { format: 'opaque', id: `s-${n}` },
      })
    }
    await client.query('commit')
    await started(pool)

    const arrived = receiver.receive(EVENTS, { keepBodies: true })
    const startedAt = performance.now()
    for (let n = 0; n < EVENTS; n++) {
      await sleep(Math.max(0, startedAt + (n * 1000) / EVENTS_PER_SECOND - performance.now()))
      await client.query('begin')
      const { deliveries } = await outbox.enqueue(client, { type: 'account-enabled', user: `u-${(n % 20) + 1}` })
      await client.query('commit')
      committedAt.set(deliveries[0]?.jti ?? '', performance.timeOrigin + performance.now())
    }
    const { bodies } = await arrived
    return bodies.map(({ body, at }) => at - (committedAt.get(jtiOf(body)) ?? Number.NaN))
  } finally {
    client.release()
    await stop()
  }
}

async function started(pool: Pool): Promise<void> {
  while ((await pool.query('select from risc.workers where pool_id is not null')).rowCount === 0) await sleep(20)
}

function jtiOf(jwt: string): string {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()).jti
}
