import type { Outcome } from './outcome.ts'

/** What a delivery's next step depends on. */
export interface DeliveryBudget {
  /** Counted attempts before this one. */
  readonly attempts: number
  /** Pause after each counted attempt but the last, in milliseconds: one attempt more is allowed than pauses. */
  readonly retryDelaysMs: readonly number[]
  /** How long the delivery may still be tried, in milliseconds. */
  readonly expiresInMs: number
}

/** What becomes of a delivery after an attempt. */
export type NextStep =
  | { readonly next: 'accepted'; readonly counts: true }
  | { readonly next: 'retry'; readonly counts: boolean; readonly delayMs: number; readonly pauses?: true }
  | { readonly next: 'dead'; readonly counts: boolean; readonly deadBecause: 'refused' | 'exhausted' | 'expired' }

/** How long a delivery waits before it asks again whether somebody has mended the stream. */
const HOLD_MS = 5 * 60 * 1000

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
      return waitOrExpire(HOLD_MS * spread(random), false, budget)
    case 'pause':
      return { next: 'retry', counts: false, delayMs: 0, pauses: true }
    case 'retry': {
      const pauseMs = outcome.counts ? budget.retryDelaysMs[budget.attempts] : 0
      if (pauseMs === undefined) return { next: 'dead', counts: true, deadBecause: 'exhausted' }
      const askedMs = (outcome.notBeforeMs ?? 0) * (1 + 0.1 * random)
      return waitOrExpire(Math.max(pauseMs * spread(random), askedMs), outcome.counts, budget)
    }
    default:
      return outcome satisfies never
  }
}

const spread = (random: number): number => 0.8 + 0.4 * random

function waitOrExpire(delayMs: number, counts: boolean, { expiresInMs }: DeliveryBudget): NextStep {
  if (delayMs >= expiresInMs) return { next: 'dead', counts, deadBecause: 'expired' }
  return { next: 'retry', counts, delayMs: Math.ceil(delayMs) }
}
