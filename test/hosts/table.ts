import type { PlayedPhase } from './play.ts'
import type { Evidence } from './verdict.ts'

/** Prints what each phase brought, and the sums. */
export function printTable(phases: readonly PlayedPhase[], { committed, arrivals }: Evidence): void {
  const firstAt = new Map(arrivals.toReversed().map(({ jti, at }) => [jti, at]))
  const begin = phases[0]?.startedAt ?? 0
  const rows = phases.map(({ name, startedAt, endedAt, resumedAfterMs }, index) => {
    const within = (at: number): boolean =>
      (index === 0 || at >= startedAt) && at < (phases[index + 1]?.startedAt ?? Infinity)
    const received = [...firstAt.values()].filter(within).length
    const events = committed.filter(({ at }) => within(at))
    return {
      phase: name,
      seconds: seconds(endedAt - startedAt),
      events: events.length,
      received,
      lost: events.filter(({ jti }) => !firstAt.has(jti)).length,
      duplicates: arrivals.filter(({ at }) => within(at)).length - received,
      'resumed after': resumedAfterMs === undefined ? '—' : seconds(resumedAfterMs),
    }
  })
  const sum = (column: 'events' | 'received' | 'lost' | 'duplicates'): number =>
    rows.reduce((total, row) => total + row[column], 0)
  const total = {
    phase: 'all',
    seconds: seconds((phases.at(-1)?.endedAt ?? begin) - begin),
    events: sum('events'),
    received: sum('received'),
    lost: sum('lost'),
    duplicates: sum('duplicates'),
    'resumed after': '',
  }
  console.log(`\n${align([...rows, total])}\n`)
}

/** Prints why attempts failed. */
export function printFailures({ workers }: Evidence): void {
  const reasons = workers.flatMap(({ attempts }) => attempts.flatMap(({ error }) => error ?? []))
  const counts = Object.entries(Object.groupBy(reasons, (reason) => reason))
  console.log(`failed attempts: ${counts.map(([reason, all = []]) => `${all.length} ${reason}`).join(', ')}`)
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

function align(rows: readonly Readonly<Record<string, string | number>>[]): string {
  const lines = [Object.keys(rows[0] ?? {}), ...rows.map((row) => Object.values(row).map(String))]
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? []
  const pad = (text: string, column: number): string =>
    column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)
  return lines.map((line) => line.map(pad).join('  ')).join('\n')
}
