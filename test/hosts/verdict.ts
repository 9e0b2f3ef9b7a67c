import type { Committed } from './producer.ts'
import type { Settled } from './queries.ts'
import type { Arrival } from './receivers-process.ts'
import type { Stranded } from './watch.ts'
import type { WorkerProcess } from './worker-process.ts'

/** All that is on record of a run. */
export interface Evidence {
  readonly committed: readonly Committed[]
  readonly rolledBack: ReadonlySet<string>
  readonly arrivals: readonly Arrival[]
  readonly settled: readonly Settled[]
  readonly workers: readonly Pick<WorkerProcess, 'host' | 'attempts'>[]
  readonly stranded: readonly Stranded[]
  /** Rows of unsettled deliveries. */
  readonly left: number
  readonly exits: readonly (number | string)[]
}

/** Holds what happened against what is promised. Returns a line for each broken promise, with how often it was. */
export function judge(evidence: Evidence): string[] {
  const { committed, rolledBack, arrivals, settled, left, exits } = evidence
  const first = new Map(arrivals.map((arrival) => [arrival.jti, arrival]))
  const rows = new Map(settled.map((row) => [row.jti, row]))
  const owed = new Map(committed.map((one) => [one.jti, one]))
  const failures = countFailures(evidence)

  const broken: Readonly<Record<string, number>> = {
    'committed and never received': committed.filter(({ jti }) => !first.has(jti)).length,
    'rolled back and received all the same': arrivals.filter(({ jti }) => rolledBack.has(jti)).length,
    'received and never committed': arrivals.filter(({ jti }) => !owed.has(jti)).length,
    'received by another stream': arrivals.filter(({ jti, stream }) => owed.get(jti)?.stream !== stream).length,
    'received again with other bytes': arrivals.filter(({ jti, digest }) => first.get(jti)?.digest !== digest).length,
    'received and not on record as accepted': arrivals.filter(({ jti }) => rows.get(jti)?.outcome !== 'accepted')
      .length,
    'settled more than once': settled.length - rows.size,
    'other attempts on record than were made': settled.filter(
      ({ jti, attempts }) => attempts !== 1 + (failures.get(jti) ?? 0),
    ).length,
    'left in risc.deliveries or risc.inflight': left,
    'workers that did not exit 0': exits.filter((exit) => exit !== 0).length,
  }
  return Object.entries(broken).flatMap(([promise, times]) => (times > 0 ? [`${promise}: ${times}`] : []))
}

/** How often a SET came again though no attempt at it had failed and no worker was cut off while it held it. */
export function countNeedlessDuplicates(evidence: Evidence): number {
  const excused = countFailures(evidence)
  const again = new Map<string, number>()
  for (const jti of evidence.stranded.flatMap(({ jtis }) => [...jtis])) excused.set(jti, (excused.get(jti) ?? 0) + 1)
  for (const { jti } of evidence.arrivals) again.set(jti, (again.get(jti) ?? -1) + 1)
  return [...again].reduce((total, [jti, times]) => total + Math.max(times - (excused.get(jti) ?? 0), 0), 0)
}

/**
 * Failed attempts that count, by delivery: those the workers logged, but for what a worker that was cut off said too
 * late, and for a kept connection that was closed meanwhile.
 */
function countFailures({ workers, stranded }: Evidence): Map<string, number> {
  const failures = new Map<string, number>()
  for (const { host, attempts } of workers) {
    const late = stranded.filter(({ worker }) => worker === host).map((one) => ({ ...one, jtis: new Set(one.jtis) }))
    for (const [index, { jti, outcome, error }] of attempts.entries()) {
      if (late.some(({ jtis, loggedBefore }) => index >= loggedBefore && jtis.delete(jti))) continue
      if (outcome === 'accepted' || error === 'stale_connection') continue
      failures.set(jti, (failures.get(jti) ?? 0) + 1)
    }
  }
  return failures
}
