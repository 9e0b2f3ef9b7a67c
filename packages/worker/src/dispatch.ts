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
/** The same once nothing has been handed over for a while. */
const IDLE = { afterMs: 1000, tickMs: 50 }

/** Takes one turn at dispatching; `undefined` when it is another worker's turn. */
export async function dispatch(ledger: Pick<Ledger, 'ask'>, giveUp: AbortSignal): Promise<Pass | undefined> {
  const [pass] = await ledger.ask<Pass>(DISPATCH, [], giveUp)
  return pass
}

/** What finding one delivery and handing it over may take: work that has to be done, whenever it is. */
const HAND_OVER_MS = 0.1

/**
 * How long to wait for the next turn. A pass that was dear, for what it handed over, earns a pause that keeps it a small part
 * of the load.
 *
 * @param idleMs since this worker handed something over
 */
export function pauseAfterPass(
  pass: Pass | undefined,
  { idleMs, workers, random }: { readonly idleMs: number; readonly workers: number; readonly random: number },
): number {
  const { handed, took_ms } = pass ?? { handed: 0, took_ms: 0 }
  const tickMs = idleMs > IDLE.afterMs ? IDLE.tickMs : TICK_MS
  return Math.max(tickMs * Math.max(workers, 1) * (0.5 + random), 4 * (took_ms - handed * HAND_OVER_MS))
}

/** Whether the next pass is worth taking as soon as there is room for it: there may be more, and looking was not dear. */
export function goesOn({ handed, took_ms }: Pass): boolean {
  return handed > 0 && took_ms - handed * HAND_OVER_MS < TICK_MS
}
