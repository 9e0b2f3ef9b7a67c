const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Reads `250ms`, `10s`, `5m`, `72h` or `3d` as milliseconds; `undefined` when it is none of these. */
export function parseDuration(text: string): number | undefined {
  const { count, unit } = /^(?<count>\d{1,10})(?<unit>ms|[smhd])$/.exec(text)?.groups ?? {}
  return count === undefined ? undefined : Number(count) * UNITS[unit as keyof typeof UNITS]
}

/** Writes a duration as {@link parseDuration} reads it, in the largest unit that leaves no rest. */
export function formatDuration(ms: number): string {
  const [unit, size] = Object.entries(UNITS).findLast(([, size]) => ms > 0 && ms % size === 0) ?? ['ms', 1]
  return `${ms / size}${unit}`
}

/** Writes a span for people in its largest unit, rounded down, as in `12m`. */
export function formatSpan(ms: number): string {
  const [unit, size] = Object.entries(UNITS).findLast(([unit, size]) => unit !== 'ms' && ms >= size) ?? ['s', 1000]
  return `${Math.floor(Math.max(ms, 0) / size)}${unit}`
}
