import type { StreamReport } from './report.ts'

/** What a stream is for the eye of whoever has to mend it, the worst first. */
export type Condition = (typeof CONDITIONS)[number]

const CONDITIONS = ['held', 'late', 'paused', 'with dead letters', 'well', 'disabled'] as const

/** For how long a delivery may be due before its stream is late: longer than a rate limit holds it back by default. */
const LATE_AFTER_SECONDS = 60

export function conditionOf({
  status,
  breaker_open_because,
  lag_seconds,
  dead,
}: Pick<StreamReport, 'status' | 'breaker_open_because' | 'lag_seconds' | 'dead'>): Condition {
  if (status !== 'enabled') return status
  if (breaker_open_because !== null) return 'held'
  if (lag_seconds > LATE_AFTER_SECONDS) return 'late'
  return dead > 0 ? 'with dead letters' : 'well'
}

/** Whether nobody has to look at it: it is well, or has been ended. */
export function isAtRest(stream: StreamReport): boolean {
  return ['well', 'disabled'].includes(conditionOf(stream))
}

/** The streams, the worst first, then those that are furthest behind. */
export function byTrouble(streams: readonly StreamReport[]): StreamReport[] {
  return streams.toSorted(
    (one, other) =>
      CONDITIONS.indexOf(conditionOf(one)) - CONDITIONS.indexOf(conditionOf(other)) ||
      other.lag_seconds - one.lag_seconds ||
      other.queued - one.queued ||
      other.dead - one.dead,
  )
}

/** Says in a line what is not shown. */
export function describeRest(streams: readonly StreamReport[]): string {
  const counts = CONDITIONS.map((condition) => ({
    condition,
    count: streams.filter((stream) => conditionOf(stream) === condition).length,
  })).filter(({ count }) => count > 0)
  const [only] = counts
  if (counts.length === 1 && only?.condition === 'well') return `… ${streams.length} more, all well`
  return `… ${streams.length} more: ${counts.map(({ condition, count }) => `${count} ${condition}`).join(', ')}`
}
