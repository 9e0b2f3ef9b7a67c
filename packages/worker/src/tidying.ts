import type { Ledger, Statement } from './ledger.ts'
import { pauseForCost } from './pause-for-cost.ts'

/** What was given up because it is too old, or discarded because its stream is disabled. */
export interface TidyReport {
  readonly expired: number
  readonly discarded: number
}

/** Pause between two rounds of one worker alone; a fleet shares it out. */
const ROUND_MS = 1000

const TIDY: Statement = { name: 'risc.tidy', text: 'select expired, discarded from risc.tidy()' }
const SURVEY: Statement = { name: 'risc.survey', text: 'select risc.survey()' }

/** Does what can wait, and may be dear; `undefined` when there was nothing to do, or no time for it. */
export async function tidy(ledger: Ledger): Promise<TidyReport | undefined> {
  await ledger.attempt(SURVEY, [])
  const [report] = (await ledger.attempt<TidyReport>(TIDY, [])) ?? []
  return report !== undefined && report.expired + report.discarded > 0 ? report : undefined
}

/** How long to wait for the next round, which is to be a small part of the load. */
export function pauseAfterTidying(tookMs: number, workers: number, random: number): number {
  return Math.max(ROUND_MS * Math.max(workers, 1) * (0.5 + random), pauseForCost(tookMs))
}
