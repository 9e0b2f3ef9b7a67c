import type { Pool } from 'pg'
import type { Outbox } from 'risc-outbox'
import { clock, sleepUntil } from './clock.ts'

/** Whom the events are about, in turns, how many there are, and how fast they come. */
export interface Pace {
  readonly users: readonly string[]
  readonly count: number
  readonly perSecond: number
}

/** Several, so that one slow commit does not keep the next event waiting. */
const CONNECTIONS = 8

/** Enqueues one event per transaction at a steady pace. Returns when each was committed, by its `jti`. */
export async function enqueueSteadily(
  pool: Pool,
  outbox: Outbox,
  { users, count, perSecond }: Pace,
): Promise<Map<string, number>> {
  const committedAt = new Map<string, number>()
  const startedAt = clock()
  let taken = 0

  async function enqueueSome(): Promise<void> {
    const client = await pool.connect()
    try {
      while (taken < count) {
        const n = taken++
        await sleepUntil(startedAt + (n * 1000) / perSecond)
        await client.query('begin')
        const user = users[n % users.length] ?? ''
        const { deliveries } = await outbox.enqueue(client, { type: 'account-enabled', user })
        await client.query('commit')
        const at = clock()
        for (const { jti } of deliveries) committedAt.set(jti, at)
      }
    } finally {
      client.release()
    }
  }

  await Promise.all(Array.from({ length: CONNECTIONS }, enqueueSome))
  return committedAt
}

export function jtiOf(jwt: string): string {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()).jti
}
