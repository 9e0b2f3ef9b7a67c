import { answerText } from './answer-text.ts'
import type { Attempt } from './queries/attempts.ts'
import { formatTable, formatTime } from './table.ts'

/** Lays out the attempts of a delivery that were not accepted. */
export function formatAttempts(attempts: readonly Attempt[]): string {
  return formatTable(
    ['ATTEMPT', 'ENDED', 'TOOK', 'CONNECTED TO', 'WORKER', 'ANSWER'],
    attempts.map((attempt) => [
      nameOf(attempt),
      formatTime(attempt.ended_at),
      `${attempt.duration_ms}ms`,
      attempt.connected_to ?? '-',
      attempt.worker ?? '-',
      answerText(attempt.status, attempt.reason, attempt.description),
    ]),
  )
}

function nameOf({ attempt, counted, probe }: Attempt): string {
  if (counted) return String(attempt)
  return probe ? 'probe' : 'not counted'
}
