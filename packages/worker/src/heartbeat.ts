import type { Ledger, Statement } from './ledger.ts'

const BEAT: Statement = { name: 'risc.beat', text: 'select risc.beat($1, $2, $3, $4) as workers' }
const LEAVE: Statement = { name: 'risc.leave', text: 'select risc.leave($1, $2) as requeued' }

/** How a worker introduces itself to the fleet. */
export interface WorkerIdentity {
  readonly id: string
  /** For people: host and process. */
  readonly name: string
  readonly slots: number
}

export const BEAT_EVERY_MS = 3000

/** Says that the worker lives, and under which name graphile-worker knows its runner. Returns how many workers live. */
export async function beat(
  ledger: Ledger,
  self: WorkerIdentity,
  poolId: string | undefined,
  giveUp: AbortSignal,
): Promise<number> {
  const [row] = await ledger.ask<{ workers: number }>(BEAT, [self.id, self.name, self.slots, poolId], giveUp)
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
