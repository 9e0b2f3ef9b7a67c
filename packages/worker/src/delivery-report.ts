import type { Logger } from 'pino'
import type { ClaimedDelivery } from './claim.ts'
import type { NextStep } from './next-step.ts'
import type { Outcome } from './outcome.ts'

/** What one ticket came to. */
export interface DeliveryReport {
  readonly delivery: ClaimedDelivery
  readonly outcome: Outcome | { readonly kind: 'expired'; readonly reason: 'too_old'; readonly status?: never }
  readonly step: NextStep
  /** Whether it was recorded, or was on record already. */
  readonly recorded: boolean
  /** Of the request, where one was made. */
  readonly durationMs?: number
  /** Since it was enqueued. */
  readonly lagMs: number
}

/**
 * Logs one line per outcome. Of the endpoint it shows the host alone, since a path may be a secret; the receiver's own
 * words stay in the database, since they may quote what they were sent.
 */
export function logReport(log: Logger, { delivery, outcome, step, recorded, durationMs }: DeliveryReport): void {
  const line = {
    jti: delivery.jti,
    stream_id: delivery.streamId,
    event_type: delivery.eventType,
    attempt: delivery.attempts + 1,
    host: URL.parse(delivery.connection.endpointUrl)?.host,
    outcome: outcome.kind,
    success: outcome.kind === 'accepted',
    status: outcome.status,
    error: outcome.kind === 'accepted' ? undefined : outcome.reason,
    cause: 'cause' in outcome ? outcome.cause : undefined,
    duration_ms: durationMs,
    queued_ms: delivery.ageMs,
    next_attempt_in_ms: step.next === 'retry' ? step.delayMs : undefined,
    dead_because: step.next === 'dead' ? step.deadBecause : undefined,
  }
  if (!recorded) log.warn(line, 'outcome was on record already, or the delivery is somebody else’s by now')
  else if (outcome.kind === 'accepted' && outcome.status === 202) log.info(line, 'accepted')
  else if (outcome.kind === 'accepted') log.warn(line, 'accepted with a status other than 202')
  else if (durationMs === undefined) log.warn(line, 'delivery given up before an attempt')
  else log.warn(line, step.next === 'dead' ? 'delivery given up' : 'delivery waits for another attempt')
}
