import type { Outcome } from './outcome.ts'

/** What a delivery's next step depends on. */
export interface DeliveryBudget {
  /** Counted attempts before this one. */
  readonly attempts: number
  /** Pause after each counted attempt but the last, in milliseconds: one attempt more is allowed than pauses. */
  readonly retryDelaysMs: readonly number[]
  /** How long the delivery may still be tried, in milliseconds. */
  readonly expiresInMs: number
  /** Whether it was sent to see if the receiver answers again. */
  readonly probe: boolean
  /** Whether neither the stream's status nor its breaker holds it back: its own schedule is all that bounds it. */
  readonly urgent: boolean
}

/** What becomes of a delivery after an attempt. */
export type NextStep =
  | { readonly next: 'accepted'; readonly counts: true }
  | { readonly next: 'retry'; readonly counts: boolean; readonly delayMs: number; readonly pauses?: true }
  | { readonly next: 'dead'; readonly counts: boolean; readonly deadBecause: 'refused' | 'exhausted' | 'expired' }

/** How long a delivery waits that met a trouble which somebody has to end: the breaker makes the stream wait longer. */
const HOLD_MS = 60 * 1000
/** The shortest wait that costs no attempt. */
const SHORTEST_MS = 1000

/**
 * Decides what becomes of a delivery: the pure heart of the retry schedule.
 *
 * @param random a number from 0 up to 1: ±20 % on the stream's own pauses, 0–10 % on top of what a receiver asked for
 */
export function nextStep(outcome: Outcome, budget: DeliveryBudget, random: number): NextStep {
  switch (outcome.kind) {
    case 'accepted':
      return { next: 'accepted', counts: true }
    case 'refused':
      return { next: 'dead', counts: true, deadBecause: 'refused' }
    case 'hold':
      return budget.urgent ? retry({}, budget, random) : waitOrExpire(HOLD_MS * spread(random), false, budget)
    case 'pause':
      return pause(budget.urgent ? retry({}, budget, random) : { next: 'retry', counts: false, delayMs: SHORTEST_MS })
    case 'retry':
      if (budget.probe && !budget.urgent)
        return waitOrExpire(Math.max(SHORTEST_MS, (outcome.notBeforeMs ?? 0) * later(random)), false, budget)
      return outcome.counts ? retry(outcome, budget, random) : comeBack(outcome, budget, random)
    default:
      return outcome satisfies never
  }
}

type Retry = Extract<Outcome, { kind: 'retry' }>

function pause(step: NextStep): NextStep {
  return step.next === 'retry' ? { ...step, pauses: true } : step
}

function retry({ notBeforeMs = 0 }: Pick<Retry, 'notBeforeMs'>, budget: DeliveryBudget, random: number): NextStep {
  const pauseMs = budget.retryDelaysMs[budget.attempts]
  if (pauseMs === undefined) return { next: 'dead', counts: true, deadBecause: 'exhausted' }
  return waitOrExpire(Math.max(pauseMs * spread(random), notBeforeMs * later(random)), true, budget)
}

/** When the receiver says; but a receiver that says "now", over and over, is not asked without end. */
function comeBack({ notBeforeMs = 0 }: Retry, budget: DeliveryBudget, random: number): NextStep {
  if (notBeforeMs >= SHORTEST_MS) return waitOrExpire(notBeforeMs * later(random), false, budget)
  const pauseMs = budget.retryDelaysMs[budget.attempts] ?? budget.retryDelaysMs.at(-1) ?? 0
  return waitOrExpire(Math.max(pauseMs * spread(random), SHORTEST_MS), false, budget)
}

const later = (random: number): number => 1 + 0.1 * random

const spread = (random: number): number => 0.8 + 0.4 * random

function waitOrExpire(delayMs: number, counts: boolean, { expiresInMs }: DeliveryBudget): NextStep {
  if (delayMs >= expiresInMs) return { next: 'dead', counts, deadBecause: 'expired' }
  return { next: 'retry', counts, delayMs: Math.ceil(delayMs) }
}
