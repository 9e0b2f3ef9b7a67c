import type { LoopName, LoopProgress } from './progress.ts'
import type { Pulse } from './pulse.ts'

/** All that a worker's health is told from. */
export interface Signs {
  readonly loops: readonly LoopProgress[]
  readonly pulse: Pulse
  /** For how many milliseconds no statement of the worker has failed for want of an answer. */
  readonly unfailingForMs: number
  readonly stopping: boolean
}

/** A loop that does not come round. */
export interface StuckLoop {
  readonly loop: LoopName
  readonly for_seconds: number
}

const LONGEST_PAUSE_MS: Readonly<Record<LoopName, number>> = {
  claim: 9000, // the supervisor replaces a runner within 3 s: this one does not come to life either
  dispatch: 20_000,
  maintenance: 20_000,
  tidying: 20_000,
  redrive: 20_000,
  retention: 20_000,
  heartbeat: 20_000,
}
const DISPATCH_IS_LATE_MS = 10_000

/**
 * Names the loops for whose sake the process should be started anew.
 *
 * What stands still because the database does not answer is none of them: a new process would get no answer either.
 * Neither is a statement that is asked again and again, which is why only the claim loop, whose runner has connections of
 * its own, is held to the database's answers alone.
 */
export function findStuckLoops({ loops, pulse, unfailingForMs, stopping }: Signs): StuckLoop[] {
  if (stopping) return []
  return loops
    .filter(({ loop, overdueMs }) => {
      const excusedMs = loop === 'claim' ? pulse.answeredForMs : Math.min(pulse.answeredForMs, unfailingForMs)
      return Math.min(overdueMs, excusedMs) > LONGEST_PAUSE_MS[loop]
    })
    .map(({ loop, overdueMs }) => ({ loop, for_seconds: inSeconds(overdueMs) }))
}

/** Says, in words for people, why a worker cannot deliver as of now; nothing if it can. */
export function findObstacles({ loops, pulse, stopping }: Signs): string[] {
  if (stopping) return ['stopping']
  if (pulse.answeredForMs === 0) return ['the database does not answer']
  if (pulse.schemaProblem !== undefined) return [pulse.schemaProblem]
  if (loops.length === 0) return ['starting']
  if (pulse.dispatchedMsAgo === undefined) return ['no worker has dispatched yet']
  if (pulse.dispatchedMsAgo < DISPATCH_IS_LATE_MS) return []
  return [`no worker has dispatched for ${inSeconds(pulse.dispatchedMsAgo)} s`]
}

function inSeconds(ms: number): number {
  return Math.round(ms / 100) / 10
}
