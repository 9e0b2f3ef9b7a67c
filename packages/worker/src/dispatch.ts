import type { Ledger, Statement } from './ledger.ts'

/** What a pass did, as the database saw it. */
export interface Pass {
  /** How many deliveries it handed to the fleet. */
  readonly handed: number
  readonly took_ms: number
}

const DISPATCH: Statement = { name: 'risc.dispatch', text: 'select handed, took_ms from risc.dispatch()' }

/** Pause between two passes of one worker alone; a fleet shares it out, so that it asks no more often than one would. */
const TICK_MS = 20

/** Takes one turn at dispatching; `undefined` when it is another worker's turn. */
export async function dispatch(ledger: Ledger, giveUp: AbortSignal): Promise<Pass | undefined> {
  const [pass] = await ledger.ask<Pass>(DISPATCH, [], giveUp)
  return pass
}

/** How long to wait for the next turn. A pass that was dear earns a pause that keeps it a small part of the load. */
export function pauseAfterPass(pass: Pass | undefined, workers: number, random: number): number {
  return Math.max(TICK_MS * Math.max(workers, 1) * (0.5 + random), 4 * (pass?.took_ms ?? 0))
}
