import type { Ledger, Statement } from './ledger.ts'

/** What a round of maintenance found. */
export interface MaintenanceReport {
  readonly dead_workers: number
  readonly requeued: number
  readonly unlocked_pools: number
  readonly removed_jobs: number
}

/** Pause between two rounds of one worker alone; a fleet shares it out. */
const ROUND_MS = 500

const MAINTAIN: Statement = {
  name: 'risc.maintain',
  text: `select dead_workers, requeued, unlocked_pools, removed_jobs, needs_vacuum from risc.maintain($1)`,
}
const VACUUM: Statement = {
  name: 'vacuum risc.inflight',
  text: 'vacuum (skip_locked, truncate false) risc.inflight, risc_worker._private_jobs',
}

/**
 * Takes one turn at maintenance; `undefined` when it was another worker's turn or there was nothing to do.
 *
 * The database believes in others' deaths only as far as it has answered this worker without a break: after an outage
 * everybody's heartbeat is old, and the first one back would take away what the others have delivered.
 */
export async function maintain(ledger: Ledger, giveUp: AbortSignal): Promise<MaintenanceReport | undefined> {
  const [round] = await ledger.ask<MaintenanceReport & { readonly needs_vacuum: boolean }>(
    MAINTAIN,
    [ledger.answeredForMs()],
    giveUp,
  )
  if (round === undefined) return undefined
  const { needs_vacuum, ...report } = round
  if (needs_vacuum) await ledger.attempt(VACUUM, [])
  return Object.values(report).some((count) => count > 0) ? report : undefined
}

/** How long to wait for the next turn. */
export function pauseAfterRound(workers: number, random: number): number {
  return ROUND_MS * Math.max(workers, 1) * (0.5 + random)
}
