import type { PeerCertificate } from './answer.ts'
import type { Ledger, Statement } from './ledger.ts'
import type { NextStep } from './next-step.ts'

/** What to record of a ticket. */
export interface Settlement {
  readonly ticket: number
  readonly deliveryId: number
  readonly step: NextStep
  readonly status?: number | undefined
  readonly reason?: string | undefined
  readonly description?: string | undefined
  /** The address and port that answered. */
  readonly connectedTo?: string | undefined
  /** The certificate it showed. */
  readonly certificate?: PeerCertificate | undefined
  /** From the first byte sent to the last one read. */
  readonly durationMs?: number | undefined
  /** For how long the receiver asked to be left alone. */
  readonly waitsMs?: number | undefined
  /** Whether somebody has to end the trouble, which is every delivery's of the stream. */
  readonly holds?: boolean | undefined
}

const SETTLE: Statement = { name: 'risc.settle', text: 'select unnest(risc.settle($1)) as ticket' }
const HAND_BACK: Statement = { name: 'risc.hand_back', text: 'select risc.hand_back($1, $2)' }

/**
 * Records what became of the tickets, in their order: `true` where it was recorded, `false` where the ticket was no
 * longer valid because the worker had been given up for dead.
 */
export async function settleDeliveries(
  ledger: Ledger,
  settlements: readonly Settlement[],
): Promise<readonly boolean[]> {
  const rows = await ledger.ask<{ ticket: string }>(SETTLE, [JSON.stringify(settlements.map(toRecord))])
  const recorded = new Set(rows.map(({ ticket }) => Number(ticket)))
  return settlements.map(({ ticket }) => recorded.has(ticket))
}

/** Gives tickets back untried: queued again at once, no attempt counted. */
export async function handBack(
  ledger: Ledger,
  workerId: string,
  tickets: readonly number[],
): Promise<readonly number[]> {
  await ledger.ask(HAND_BACK, [workerId, tickets])
  return tickets
}

function toRecord({
  ticket,
  deliveryId,
  step,
  connectedTo,
  certificate,
  durationMs,
  waitsMs,
  ...facts
}: Settlement): Record<string, unknown> {
  return {
    ticket,
    delivery_id: deliveryId,
    next: step.next,
    counts: step.counts,
    ...(step.next === 'retry' && { delay_ms: step.delayMs, pauses: step.pauses }),
    ...(step.next === 'dead' && { dead_because: step.deadBecause }),
    connected_to: connectedTo,
    certificate_sha256: certificate?.sha256,
    certificate_expires_at: certificate?.expiresAt,
    duration_ms: durationMs,
    waits_ms: waitsMs,
    ...facts,
  }
}
