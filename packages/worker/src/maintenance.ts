import type { Ledger, Statement } from './ledger.ts'

/** What a round of maintenance found. */
export interface MaintenanceReport {
  readonly dead_workers: number
  readonly requeued: number
  readonly unlocked_pools: number
  readonly removed_jobs: number
}

export const MAINTAIN_EVERY_MS = 3000

const MAINTAIN: Statement = { name: 'risc.maintain', text: 'select * from risc.maintain($1)' }

/**
 * Takes one turn at maintenance; `undefined` when it was another worker's turn or there was nothing to do.
 *
 * Only a worker that the database has answered for a whole TTL may declare others dead: after an outage everybody's
 * heartbeat is old, and the first one back would take away what the others have delivered.
 */
export async function maintain(ledger: Ledger, giveUp: AbortSignal): Promise<MaintenanceReport | undefined> {
  const [report] = await ledger.ask<MaintenanceReport>(MAINTAIN, [ledger.answeredForMs()], giveUp)
  return report !== undefined && Object.values(report).some((count) => count > 0) ? report : undefined
}
