import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type DeliveryBudget, nextStep } from '../../packages/worker/src/next-step.ts'
import type { Outcome } from '../../packages/worker/src/outcome.ts'

const DAY = 86_400_000
const budget = (attempts: number, more: Partial<DeliveryBudget> = {}): DeliveryBudget => ({
  attempts,
  retryDelaysMs: [10_000, 60_000, 600_000, 3_600_000],
  expiresInMs: 3 * DAY,
  probe: false,
  urgent: false,
  ...more,
})
const trouble: Outcome = { kind: 'retry', reason: 'server_error', status: 500, counts: true }
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

test('each counted failure waits its pause of the schedule, give or take a fifth', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3 }), random, (attempts, chance) => {
      const step = nextStep(trouble, budget(attempts), chance)
      const pause = budget(0).retryDelaysMs[attempts] ?? Number.NaN
      expect(step).toMatchObject({ next: 'retry', counts: true })
      if (step.next === 'retry') expect(Math.abs(step.delayMs - pause)).toBeLessThanOrEqual(pause * 0.2 + 1)
    }),
  )
})

test('the fifth counted failure of five is a dead letter', () => {
  expect(nextStep(trouble, budget(4), 0)).toEqual({ next: 'dead', counts: true, deadBecause: 'exhausted' })
})

test('Retry-After is never undercut, whatever the schedule says', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: DAY }), random, fc.boolean(), (notBeforeMs, chance, counts) => {
      const step = nextStep({ ...trouble, counts, notBeforeMs }, budget(0), chance)
      if (step.next === 'retry') expect(step.delayMs).toBeGreaterThanOrEqual(notBeforeMs)
      else expect.unreachable()
    }),
  )
})

test('a receiver that says "come back now" over and over is asked no faster than the schedule', () => {
  const busy: Outcome = { kind: 'retry', reason: 'rate_limited', status: 429, counts: false, notBeforeMs: 0 }
  expect(nextStep(busy, budget(0), 0.5)).toEqual({ next: 'retry', counts: false, delayMs: 10_000 })
  expect(nextStep(busy, budget(9), 0.5)).toEqual({ next: 'retry', counts: false, delayMs: 3_600_000 })
  expect(nextStep(busy, budget(0, { retryDelaysMs: [0] }), 0.5)).toMatchObject({ delayMs: 1000 })
  expect(nextStep(busy, budget(0, { retryDelaysMs: [] }), 0.5)).toMatchObject({ delayMs: 1000 })
})

test('an uncounted wait spends no attempt, even after the last one', () => {
  const busy: Outcome = { kind: 'retry', reason: 'rate_limited', status: 429, counts: false, notBeforeMs: 5000 }
  expect(nextStep(busy, budget(9), 0)).toEqual({ next: 'retry', counts: false, delayMs: 5000 })
})

test('a probe costs no attempt, and waits no longer than the receiver asks: the breaker makes the stream wait', () => {
  const probe = budget(4, { probe: true })
  expect(nextStep(trouble, probe, 0)).toEqual({ next: 'retry', counts: false, delayMs: 1000 })
  expect(nextStep({ ...trouble, notBeforeMs: 7000 }, probe, 0)).toMatchObject({ counts: false, delayMs: 7000 })
})

test('a wait that would outlast the delivery’s age ends it, with that reason', () => {
  const short = { expiresInMs: 5000 }
  expect(nextStep(trouble, budget(0, short), 0)).toEqual({ next: 'dead', counts: true, deadBecause: 'expired' })
  expect(nextStep({ kind: 'hold', reason: 'access_denied', status: 403 }, budget(0, short), 0)).toEqual({
    next: 'dead',
    counts: false,
    deadBecause: 'expired',
  })
})

test('a refusal is a dead letter at once', () => {
  const refused: Outcome = { kind: 'refused', reason: 'invalid_audience', status: 400 }
  expect(nextStep(refused, budget(0), 0)).toEqual({ next: 'dead', counts: true, deadBecause: 'refused' })
})

test('what nothing holds back is bounded by its schedule alone, whatever the trouble', () => {
  const urgent = { urgent: true, probe: true }
  for (const outcome of [
    trouble,
    { kind: 'hold', reason: 'access_denied', status: 403 },
    { kind: 'pause', reason: 'receiver_gone', status: 410 },
  ] satisfies Outcome[]) {
    expect(nextStep(outcome, budget(1, urgent), 0.5), outcome.reason).toMatchObject({ counts: true, delayMs: 60_000 })
    expect(nextStep(outcome, budget(4, urgent), 0.5), outcome.reason).toMatchObject({ deadBecause: 'exhausted' })
  }
  const gone: Outcome = { kind: 'pause', reason: 'receiver_gone', status: 410 }
  expect(nextStep(gone, budget(0, urgent), 0.5)).toMatchObject({ next: 'retry', pauses: true })
})

test('trouble with the stream spends no attempt and pauses it where nobody is there', () => {
  expect(nextStep({ kind: 'hold', reason: 'redirected', status: 302 }, budget(0), 0.5)).toEqual({
    next: 'retry',
    counts: false,
    delayMs: 60_000,
  })
  expect(nextStep({ kind: 'pause', reason: 'receiver_gone', status: 410 }, budget(0), 0.5)).toEqual({
    next: 'retry',
    counts: false,
    delayMs: 1000,
    pauses: true,
  })
})
