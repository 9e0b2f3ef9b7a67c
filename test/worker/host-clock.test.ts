import { expect, onTestFinished, vi } from 'vitest'
import { until } from '../support/until.ts'
import { addDeliveries, addStream } from './rows.ts'
import { test } from './started-worker.ts'

test.for([-3_600_000, 3_600_000])(
  'a worker whose clock is wrong by %i ms delivers and waits as any other',
  async (wrongBy, { database: { pool }, receiver, start }) => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + wrongBy })
    onTestFinished(() => void vi.useRealTimers())
    const date = new Date('2026-01-01T00:00:00Z')
    const later = new Date(date.getTime() + 2000)
    const partner = await receiver((_, n) =>
      n === 1
        ? { status: 503, headers: { date: date.toUTCString(), 'retry-after': later.toUTCString() } }
        : { status: 202 },
    )
    await addStream(pool, { id: 'a', endpoint_url: partner.url, max_age: '30 minutes' })
    const [waits] = await addDeliveries(pool, 'a')
    start()
    await partner.received(1)
    const due = await until(async () => {
      const { rows } = await pool.query(
        `select extract(epoch from due_at - last_attempt_at)::float8 as seconds from risc.pending where jti = $1`,
        [waits],
      )
      return rows[0]?.seconds ?? undefined
    }, 'the delivery to wait')
    expect(due).toBeGreaterThanOrEqual(2)
    expect(due).toBeLessThan(3)
    await partner.received(2)
    await until(
      async () => ((await pool.query('select from risc.history')).rowCount === 1 ? true : undefined),
      'history',
    )
  },
)
