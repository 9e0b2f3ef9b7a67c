import type { Logger } from 'pino'
import type { Answer } from './answer.ts'
import type { ClaimedDelivery } from './claim.ts'
import { type NextStep, nextStep } from './next-step.ts'
import { judge, type Outcome } from './outcome.ts'
import type { Settlement } from './settle.ts'
import { traceAttempt } from './trace-attempt.ts'

/** The steps a delivery takes, each a function of its own. */
export interface DeliverySteps {
  readonly claim: (ticket: number) => Promise<ClaimedDelivery | undefined>
  readonly push: (delivery: ClaimedDelivery) => Promise<Answer>
  readonly settle: (settlement: Settlement) => Promise<boolean>
  readonly handBack: (ticket: number) => Promise<unknown>
  readonly log: Logger
}

/** A claim older than this might be taken for a dead worker's any moment now: do not start to push. */
const STALE_CLAIM_MS = 7_500

/** One ticket's way through a worker. Rejects only if the database refuses to record it: maintenance finds it then. */
export async function deliver(ticket: number, { claim, push, settle, handBack, log }: DeliverySteps): Promise<void> {
  const claimedAt = performance.now()
  const delivery = await claim(ticket)
  if (delivery === undefined) return // settled already, or another worker's: this job outlived its row
  if (performance.now() - claimedAt > STALE_CLAIM_MS) return void (await handBack(ticket))
  const { deliveryId } = delivery
  if (delivery.expiresInMs <= 0) {
    const step: NextStep = { next: 'dead', counts: false, deadBecause: 'expired' }
    await settle({ ticket, deliveryId, step, reason: 'too_old' })
    log.warn({ ...name(delivery), outcome: 'expired' }, 'delivery given up before an attempt')
    return
  }

  const startedAt = performance.now()
  const answer = await push(delivery)
  const durationMs = Math.round(performance.now() - startedAt)
  const endedAt = Date.now()
  if (answer.kind === 'aborted') return void (await handBack(ticket))
  const outcome = judge(answer, delivery.lastReason)
  const step = nextStep(outcome, delivery, Math.random())
  const connectedTo = answer.kind === 'response' ? answer.connectedTo : undefined
  const recorded = await settle({ ticket, deliveryId, step, connectedTo, durationMs, ...facts(outcome) })
  report(log, delivery, outcome, step, { durationMs, recorded })
  traceAttempt({ delivery, answer, outcome, durationMs, endedAt })
}

const name = ({ jti, streamId, eventType, attempts }: ClaimedDelivery) => ({
  jti,
  stream_id: streamId,
  event_type: eventType,
  attempt: attempts + 1,
})

function facts(outcome: Outcome): Omit<Settlement, 'ticket' | 'deliveryId' | 'step' | 'connectedTo' | 'durationMs'> {
  if (outcome.kind === 'accepted') return { status: outcome.status }
  return {
    status: outcome.status,
    reason: outcome.reason,
    description: 'description' in outcome ? outcome.description : undefined,
    holds: outcome.kind === 'hold' ? true : undefined,
    waitsMs: outcome.kind === 'retry' ? outcome.waitsMs : undefined,
  }
}

/** One line per outcome. The receiver's own words stay in the database: they may quote what they were sent. */
function report(
  log: Logger,
  delivery: ClaimedDelivery,
  outcome: Outcome,
  step: NextStep,
  { durationMs, recorded }: { readonly durationMs: number; readonly recorded: boolean },
): void {
  const line = {
    ...name(delivery),
    outcome: outcome.kind,
    success: outcome.kind === 'accepted',
    status: outcome.status,
    error: outcome.kind === 'accepted' ? undefined : outcome.reason,
    duration_ms: durationMs,
    queued_ms: delivery.ageMs,
    next_attempt_in_ms: step.next === 'retry' ? step.delayMs : undefined,
    dead_because: step.next === 'dead' ? step.deadBecause : undefined,
  }
  if (!recorded) log.warn(line, 'outcome was on record already, or the delivery is somebody else’s by now')
  else if (outcome.kind === 'accepted' && outcome.status === 202) log.info(line, 'accepted')
  else if (outcome.kind === 'accepted') log.warn(line, 'accepted with a status other than 202')
  else log.warn(line, step.next === 'dead' ? 'delivery given up' : 'delivery waits for another attempt')
}
