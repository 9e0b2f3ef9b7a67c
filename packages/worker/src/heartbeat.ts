import type { Ledger, Statement } from './ledger.ts'

const BEAT: Statement = { name: 'risc.beat', text: 'select risc.beat($1, $2, $3, $4, $5, $6) as workers' }
const LEAVE: Statement = { name: 'risc.leave', text: 'select risc.leave($1, $2) as requeued' }

/** How a worker introduces itself to the fleet. */
export interface WorkerIdentity {
  readonly id: string
  /** For people: host and process. */
  readonly name: string
  readonly slots: number
}

/** How the worker is as of now. */
export interface Vitals {
  /** Under which name graphile-worker knows its runner. */
  readonly poolId: string | undefined
  /** Whether the database would see it die at once. */
  readonly hasLifeline: boolean
  /** How long ago its last pass of the dispatcher ended. */
  readonly dispatchedMsAgo?: number | undefined
}

export const BEAT_EVERY_MS = 1000

/** Says that the worker lives. Returns how many workers live. */
export async function beat(
  ledger: Ledger,
  self: WorkerIdentity,
  { poolId, hasLifeline, dispatchedMsAgo }: Vitals,
  giveUp: AbortSignal,
): Promise<number> {
  const values = [self.id, self.name, self.slots, poolId, hasLifeline, dispatchedMsAgo]
  const [row] = await ledger.ask<{ workers: number }>(BEAT, values, giveUp)
  return row?.workers ?? 1
}

/** The worker's last word: what it still holds goes back to the queue. Returns how many deliveries that were. */
export async function leave(
  ledger: Ledger,
  self: WorkerIdentity,
  poolIds: readonly string[],
  giveUp: AbortSignal,
): Promise<number> {
  const [row] = await ledger.ask<{ requeued: number }>(LEAVE, [self.id, poolIds], giveUp)
  return row?.requeued ?? 0
}
