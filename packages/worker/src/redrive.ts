import type { Ledger, Statement } from './ledger.ts'
import { pauseForCost } from './pause-for-cost.ts'

/** What a turn of the redrives did. */
export interface RedriveReport {
  /** How many dead letters are queued again. */
  readonly released: number
  /** How many cannot be sent any more. */
  readonly skipped: number
  /** With how many streams redrives are still under way. */
  readonly running: number
}

/** Pause between two turns of one worker alone, while a redrive is under way; a fleet shares it out. */
const TURN_MS = 100
/** The same while there is none. */
const IDLE_MS = 1000

const REDRIVE: Statement = { name: 'risc.redrive', text: 'select released, skipped, running from risc.redrive()' }

/** Takes one turn at the redrives; `undefined` when it was another worker's, or there was no time for it. */
export async function redrive(ledger: Ledger): Promise<RedriveReport | undefined> {
  const [report] = (await ledger.attempt<RedriveReport>(REDRIVE, [])) ?? []
  return report
}

/** How long to wait for the next turn, which is to be a small part of the load. */
export function pauseAfterRedrive(
  report: RedriveReport | undefined,
  { tookMs, workers, random }: { readonly tookMs: number; readonly workers: number; readonly random: number },
): number {
  const turnMs = report !== undefined && report.running === 0 ? IDLE_MS : TURN_MS
  return Math.max(turnMs * Math.max(workers, 1) * (0.5 + random), pauseForCost(tookMs))
}
