import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely, PostgresDialect } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import { openPool } from '../../pool.ts'
import { countDeliveries, type StreamCount } from '../queries/health.ts'
import { type Glance, glance } from './glance.ts'

/** What is seen at one look. */
export interface Sight {
  readonly seen: Glance
  readonly counts: readonly StreamCount[]
  readonly countedMsAgo: number
  /** How long the database was busy with it, but for the count. */
  readonly tookMs: number
}

/** Looks at the outbox again and again, at a bounded cost. */
export interface Lookout {
  /** Rejects while the database is away, and looks again when it is asked again. */
  look(): Promise<Sight>
  close(): Promise<void>
}

/** Counting takes this part of the time at most. */
const COUNTING_SHARE = 1 / 20
const COUNT_WITHIN_MS = 60_000

/** A look waits so long for a count; a dearer one will do for the looks to come. */
const WAIT_FOR_COUNT_MS = 200

/**
 * Opens two connections: one to look, and one to count all that is not settled, which takes seconds where millions of
 * deliveries wait. So no look but the first waits for the end of a count.
 */
export function openLookout(databaseUrl: string): Lookout {
  const looking = open(databaseUrl)
  const counting = open(databaseUrl, COUNT_WITHIN_MS)
  let seen: Glance | undefined
  let counts: readonly StreamCount[] | undefined
  let countedAt = 0
  let countAgainAt = 0
  let underWay: Promise<void> | undefined

  async function count(): Promise<void> {
    const startedAt = performance.now()
    try {
      counts = await countDeliveries(counting.db)
      countedAt = performance.now()
    } finally {
      const tookMs = performance.now() - startedAt
      countAgainAt = performance.now() + tookMs * (1 / COUNTING_SHARE - 1)
      underWay = undefined
    }
  }

  async function look(): Promise<Sight> {
    if (performance.now() >= countAgainAt) underWay ??= count()
    if (counts === undefined) await underWay
    const counted = underWay?.catch(() => undefined) // whether the database is there, the look itself tells
    const startedAt = performance.now()
    seen = await glance(looking.db, seen)
    const tookMs = performance.now() - startedAt
    await Promise.race([counted, sleep(WAIT_FOR_COUNT_MS, undefined, { ref: false })])
    return { seen, counts: counts ?? [], countedMsAgo: performance.now() - countedAt, tookMs }
  }

  return {
    look,
    async close() {
      await Promise.all([looking.pool.close(), counting.pool.close()])
    },
  }
}

function open(databaseUrl: string, answerWithinMs?: number) {
  const pool = openPool(databaseUrl, { max: 1, name: 'risc-worker status', durable: true, answerWithinMs })
  return { pool, db: new Kysely<OutboxDatabase>({ dialect: new PostgresDialect({ pool }) }) }
}
