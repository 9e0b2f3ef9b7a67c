import type { Pool } from 'pg'
import type { CountingReceiver } from './counting-receiver.ts'
import { newOutbox } from './new-outbox.ts'
import { enqueueSteadily, jtiOf } from './steady-events.ts'
import { startWorkerProcess, workersStarted } from './worker-process.ts'

export const EVENTS = 1000
export const EVENTS_PER_SECOND = 50

/** Milliseconds from the commit of each event, signed in its transaction, to its arrival, at a steady pace. */
export async function measureLatency(databaseUrl: string, pool: Pool, receiver: CountingReceiver): Promise<number[]> {
  const outbox = await newOutbox()
  const users = Array.from({ length: 20 }, (_, n) => `u-${n + 1}`)
  await pool.query(
    `insert into risc.subjects (user_id, stream_id, subject)
     select u, 'stream-' || n, jsonb_build_object('format', 'opaque', 'id', 's-' || n)
     from unnest($1::text[]) with ordinality u (u, n)`,
    [users],
  )
  const stop = startWorkerProcess(databaseUrl)
  try {
    await workersStarted(pool, 1)
    const arrived = receiver.receive(EVENTS, { keepBodies: true })
    const committedAt = await enqueueSteadily(pool, outbox, { users, count: EVENTS, perSecond: EVENTS_PER_SECOND })
    const { bodies } = await arrived
    return bodies.map(({ body, at }) => at - (committedAt.get(jtiOf(body)) ?? Number.NaN))
  } finally {
    await stop()
  }
}
