import type { Answer } from './answer.ts'
import type { ClaimedDelivery } from './claim.ts'
import type { DeliveryReport } from './delivery-report.ts'
import { type NextStep, nextStep } from './next-step.ts'
import { judge, type Outcome } from './outcome.ts'
import type { Settlement } from './settle.ts'
import { traceAttempt } from './trace-attempt.ts'

/** The steps a delivery takes, each a function of its own. */
export interface DeliverySteps {
  readonly claim: (ticket: number) => Promise<ClaimedDelivery | undefined>
  /** Whatever it does first, it begins no request once `isStale`. */
  readonly push: (delivery: ClaimedDelivery, isStale: () => boolean) => Promise<Answer>
  readonly settle: (settlement: Settlement) => Promise<boolean>
  readonly handBack: (ticket: number) => Promise<unknown>
  readonly report: (report: DeliveryReport) => void
}

/** A claim older than this might be taken for a dead worker's any moment now: do not start to push. */
const STALE_CLAIM_MS = 7_500

/** One ticket's way through a worker. Rejects only if the database refuses to record it: maintenance finds it then. */
export async function deliver(ticket: number, { claim, push, settle, handBack, report }: DeliverySteps): Promise<void> {
  const claimedAt = performance.now()
  const isStale = (): boolean => performance.now() - claimedAt > STALE_CLAIM_MS
  const delivery = await claim(ticket)
  if (delivery === undefined) return // settled already, or another worker's: this job outlived its row
  if (isStale()) return void (await handBack(ticket))
  const { deliveryId } = delivery
  if (delivery.expiresInMs <= 0) {
    const step: NextStep = { next: 'dead', counts: false, deadBecause: 'expired' }
    const outcome = { kind: 'expired', reason: 'too_old' } as const
    const recorded = await settle({ ticket, deliveryId, step, reason: outcome.reason })
    report({ delivery, outcome, step, recorded, lagMs: delivery.ageMs })
    return
  }

  const startedAt = performance.now()
  const answer = await push(delivery, isStale)
  const durationMs = Math.round(performance.now() - startedAt)
  const endedAt = Date.now()
  if (answer.kind === 'aborted') return void (await handBack(ticket))
  const outcome = judge(answer, delivery.lastReason)
  const step = nextStep(outcome, delivery, Math.random())
  const peer = answer.kind === 'response' ? { connectedTo: answer.connectedTo, certificate: answer.certificate } : {}
  const recorded = await settle({ ticket, deliveryId, step, ...peer, durationMs, ...facts(outcome) })
  report({ delivery, outcome, step, recorded, durationMs, lagMs: delivery.ageMs + performance.now() - startedAt })
  traceAttempt({ delivery, answer, outcome, durationMs, endedAt })
}

function facts(outcome: Outcome): Pick<Settlement, 'status' | 'reason' | 'description' | 'holds' | 'waitsMs'> {
  if (outcome.kind === 'accepted') return { status: outcome.status }
  return {
    status: outcome.status,
    reason: outcome.reason,
    description: describe(outcome),
    holds: outcome.kind === 'hold' ? true : undefined,
    waitsMs: outcome.kind === 'retry' ? outcome.waitsMs : undefined,
  }
}

function describe(outcome: Outcome): string | undefined {
  if ('cause' in outcome) return outcome.cause
  return 'description' in outcome ? outcome.description : undefined
}
