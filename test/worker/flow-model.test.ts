import fc from 'fast-check'
import type { Pool } from 'pg'
import { expect } from 'vitest'
import { test } from '../support/test.ts'
import { type DeliveryFacts, type Facts, letTimePass, readFacts } from './flow-database.ts'
import { addDeliveries, addStream, addWorker, claim, dispatch, settle } from './rows.ts'

const STREAMS = ['strict', 'wide', 'slow-rate'] as const
const PATIENCE_MS = 300_000
const RATE_INTERVAL_MS = 60_000

type Step =
  | { readonly kind: 'enqueue'; readonly stream: string; readonly user: number; readonly count: number }
  | { readonly kind: 'pass' }
  | { readonly kind: 'round'; readonly outcome: Outcome }
  | { readonly kind: 'survey' }
  | { readonly kind: 'settle'; readonly picks: readonly number[]; readonly outcome: Outcome }
  | { readonly kind: 'settle late'; readonly pick: number }
  | { readonly kind: 'status'; readonly stream: string; readonly status: 'enabled' | 'paused' }
  | { readonly kind: 'worker dies' }
  | { readonly kind: 'time'; readonly ms: number }

type Outcome = Readonly<Record<string, unknown>>

const outcomes: readonly Outcome[] = [
  { next: 'accepted', counts: true, duration_ms: 5 },
  { next: 'accepted', counts: true, duration_ms: 2500 },
  { next: 'retry', counts: true, reason: 'timeout', delay_ms: 10_000 },
  { next: 'retry', counts: false, reason: 'access_denied', holds: true, delay_ms: 60_000 },
  { next: 'retry', counts: false, reason: 'rate_limited', waits_ms: 30_000, delay_ms: 30_000 },
  { next: 'dead', counts: true, dead_because: 'refused', reason: 'invalid_request' },
]

const stream = fc.constantFrom(...STREAMS)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: 'pass' } as const) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('round' as const), outcome: fc.constantFrom(...outcomes) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('enqueue' as const),
      stream,
      user: fc.integer({ min: 1, max: 4 }),
      count: fc.integer({ min: 1, max: 80 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      picks: fc.array(fc.nat(), { minLength: 1, maxLength: 8 }),
      outcome: fc.constantFrom(...outcomes),
    }),
  },
  fc.record({ kind: fc.constant('settle late' as const), pick: fc.nat() }),
  fc.record({
    kind: fc.constant('status' as const),
    stream,
    status: fc.constantFrom('enabled' as const, 'paused' as const),
  }),
  fc.constant({ kind: 'worker dies' } as const),
  fc.constant({ kind: 'survey' } as const),
  // A clock that is set back by a little, and time that goes by.
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('time' as const),
      ms: fc.oneof(...[10_000, 70_000, 400_000].map((max) => fc.integer({ min: -900, max }))),
    }),
  },
)

/** What a pass may never do, told by rows and arithmetic that share nothing with the SQL. */
function checkPass(before: Facts, after: Facts): void {
  const wasOut = new Set(before.deliveries.filter(({ ticket }) => ticket !== null).map(({ id }) => id))
  for (const { id, status, window, ordered, openForMs } of after.streams) {
    const out = after.deliveries.filter((one) => one.stream === id && one.ticket !== null)
    const handed = out.filter((one) => !wasOut.has(one.id))
    if (handed.length === 0) continue
    expect(status, `${id} was handed something`).toBe('enabled')
    expect(out.length, `the window of ${id}`).toBeLessThanOrEqual(window)
    expect(openForMs ?? 0, `the breaker of ${id}`).toBeLessThanOrEqual(0)
    if (openForMs !== null) expect(out, `the probe of ${id}`).toHaveLength(1)
    for (const one of handed) {
      expect(one.state).toBe('queued')
      expect(one.dueInMs).toBeLessThanOrEqual(0)
      if (ordered) expect(ahead(one, before), `what ${one.id} overtakes`).toEqual([])
    }
  }
}

function ahead(one: DeliveryFacts, { deliveries }: Facts): number[] {
  return deliveries
    .filter(({ stream, user, state, id }) => {
      return stream === one.stream && user === one.user && state === 'queued' && id < one.id
    })
    .filter(({ failedForMs }) => failedForMs === null || failedForMs < PATIENCE_MS - 1000)
    .map(({ id }) => id)
}

class Run {
  readonly #pool: Pool
  readonly #owed = new Set<string>()
  readonly #spentTickets: { readonly ticket: number; readonly delivery_id: number }[] = []
  readonly #handed: { readonly at: number; readonly count: number }[] = []
  #worker = ''
  #passed = 0

  constructor(pool: Pool) {
    this.#pool = pool
  }

  async begin(): Promise<void> {
    await this.#pool.query('truncate risc.streams, risc.inflight, risc.history, risc.workers cascade')
    this.#worker = await addWorker(this.#pool, { slots: 40 })
    await addStream(this.#pool, { id: 'strict', max_in_flight: 3 })
    await addStream(this.#pool, { id: 'wide', max_in_flight: 30, ordering: 'none', unproven: true })
    await addStream(this.#pool, { id: 'slow-rate', max_in_flight: 20, rate_limit: 7, ordering: 'none' })
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'enqueue':
        for (const jti of await addDeliveries(this.#pool, step.stream, step.count, step.user)) this.#owed.add(jti)
        break
      case 'pass':
        await this.#pass()
        break
      case 'round':
        await this.#pass()
        await this.#settle([...Array(40).keys()], step.outcome)
        break
      case 'survey':
        await this.#pool.query('select risc.survey()')
        break
      case 'settle':
        await this.#settle(step.picks, step.outcome)
        break
      case 'settle late':
        await this.#settleLate(step.pick)
        break
      case 'status':
        await this.#pool.query('update risc.streams set status = $2 where id = $1', [step.stream, step.status])
        break
      case 'worker dies':
        await this.#replaceWorker()
        break
      case 'time':
        this.#passed += step.ms
        await letTimePass(this.#pool, step.ms)
        break
      default:
        step satisfies never
    }
    await this.#checkNothingLost()
  }

  /** Everybody answers at last: all that is owed is settled, in a bounded number of passes. */
  async finish(): Promise<void> {
    await this.#pool.query(`update risc.streams set status = 'enabled', rate_limit = 1000000`)
    await this.#pool.query(`update risc.flow set open_until = null, open_because = null`)
    for (let rounds = 0; (await this.#waiting()) > 0; rounds++) {
      expect(rounds, 'passes until all is settled').toBeLessThan(2000)
      await this.#pool.query(`update risc.deliveries set due_at = now() where due_at > now()`)
      await this.#pool.query(`update risc.pace set paid_at = 'epoch'`)
      await this.#pool.query(`update risc.workers set beat_at = now()`)
      await dispatch(this.#pool)
      await this.#settle([...Array(40).keys()], { next: 'accepted', counts: true, duration_ms: 5 })
    }
    await this.#checkNothingLost()
  }

  async #pass(): Promise<void> {
    await this.#pool.query(`update risc.workers set beat_at = now()`)
    const before = await readFacts(this.#pool)
    await dispatch(this.#pool)
    const after = await readFacts(this.#pool)
    checkPass(before, after)

    const count = outOf('slow-rate', after) - outOf('slow-rate', before)
    this.#handed.push({ at: performance.now() + this.#passed, count })
    for (const { at: from } of this.#handed) {
      const within = this.#handed.filter(({ at }) => at >= from && at < from + RATE_INTERVAL_MS - 1000)
      expect(
        within.reduce((sum, one) => sum + one.count, 0),
        'requests in an interval',
      ).toBeLessThanOrEqual(7)
    }
  }

  async #settle(picks: readonly number[], outcome: Outcome): Promise<void> {
    const { deliveries } = await readFacts(this.#pool)
    const out = deliveries.filter(({ ticket }) => ticket !== null)
    if (out.length === 0) return
    const chosen = [...new Set(picks.map((pick) => out[pick % out.length]))].filter((one) => one !== undefined)
    const tickets = chosen.map(({ ticket }) => ticket ?? 0)
    const claimed = await claim(this.#pool, this.#worker, tickets)
    const settled = await settle(
      this.#pool,
      claimed.map((ticket) => ({ ticket, ...outcome })),
    )
    expect(settled).toEqual(claimed)
    this.#spentTickets.push(...chosen.map(({ ticket, id }) => ({ ticket: ticket ?? 0, delivery_id: id })))
  }

  /** A worker thought dead comes back with an outcome for a ticket that is not out any more. */
  async #settleLate(pick: number): Promise<void> {
    const spent = this.#spentTickets[pick % Math.max(this.#spentTickets.length, 1)]
    if (spent === undefined) return
    expect(await settle(this.#pool, [{ ...spent, next: 'accepted', counts: true }])).toEqual([])
  }

  async #replaceWorker(): Promise<void> {
    const { rows } = await this.#pool.query('select ticket, delivery_id from risc.inflight')
    await claim(
      this.#pool,
      this.#worker,
      rows.map(({ ticket }) => Number(ticket)),
    )
    await this.#pool.query('delete from risc.workers')
    this.#worker = await addWorker(this.#pool, { slots: 40 })
    await this.#pool.query('select risc.requeue_lost(1000, true)')
    for (const row of rows)
      this.#spentTickets.push({ ticket: Number(row.ticket), delivery_id: Number(row.delivery_id) })
  }

  async #waiting(): Promise<number> {
    return (await readFacts(this.#pool)).deliveries.filter(({ state }) => state === 'queued').length
  }

  async #checkNothingLost(): Promise<void> {
    const { deliveries, settled } = await readFacts(this.#pool)
    const known = [...deliveries.map(({ jti }) => jti), ...settled]
    expect(known.toSorted()).toEqual([...this.#owed].toSorted())
  }
}

function outOf(stream: string, { deliveries }: Facts): number {
  return deliveries.filter((one) => one.stream === stream && one.ticket !== null).length
}

test('whatever happens in whatever order, nothing is lost, and window, rate, breaker and order hold', async ({
  database: { pool },
}) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
      const run = new Run(pool)
      await run.begin()
      for (const one of steps) await run.take(one)
      await run.finish()
    }),
    { numRuns: 20, endOnFailure: true },
  )
}, 120_000)
