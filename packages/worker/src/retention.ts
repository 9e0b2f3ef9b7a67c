import type { Ledger, Statement } from './ledger.ts'

/** For how many days each kind of record is kept; `null` is for ever. */
export interface KeptDays {
  readonly dead: number | null
  readonly history: number | null
  readonly attempts: number | null
}

/** What one step removed. */
export interface RetentionReport {
  /** Dead letters, discarded with reason `retention`. */
  readonly dead: number
  /** The partition that was dropped. */
  readonly dropped: string | null
  /** Rows that had no partition. */
  readonly overflow: number
}

/** Between looking whether anything has become too old. */
const ROUND_MS = 3_600_000
/** Between two steps, as long as there is more. */
const STEP_MS = 1000

const RETAIN: Statement = {
  name: 'risc.retain',
  text: 'select dead, dropped, overflow from risc.retain($1, $2, $3, $4)',
}

/** Takes one step at removing what is too old; `undefined` when it was another worker's turn or there was nothing to do. */
export async function retain(ledger: Ledger, workerId: string, kept: KeptDays): Promise<RetentionReport | undefined> {
  const values = [workerId, kept.dead, kept.history, kept.attempts]
  const [report] = (await ledger.attempt<RetentionReport>(RETAIN, values)) ?? []
  return report !== undefined && (report.dead > 0 || report.dropped !== null || report.overflow > 0)
    ? report
    : undefined
}

/** How long to wait for the next step: there is more to do if there was something. */
export function pauseAfterStep(report: RetentionReport | undefined, random: number): number {
  return (report === undefined ? ROUND_MS : STEP_MS) * (0.5 + random)
}
