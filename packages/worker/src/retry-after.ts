const LONGEST_MS = 24 * 60 * 60 * 1000

/**
 * Reads a `Retry-After` header (RFC 9110 §10.2.3), seconds or an HTTP date, as milliseconds from now.
 *
 * A date is read by the clock that wrote it: the `Date` header of the same answer. Capped at a day, so that one odd answer
 * cannot park a delivery for years. `undefined` for anything unreadable.
 */
export function readRetryAfter(header: string | undefined, date: string | undefined): number | undefined {
  if (header === undefined) return undefined
  const delayMs = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : readHttpDate(header) - readHttpDate(date ?? '')
  return Number.isNaN(delayMs) ? undefined : Math.min(Math.max(delayMs, 0), LONGEST_MS)
}

/** `Date.parse` alone would take "3", "tomorrow 1" and local times for dates. */
function readHttpDate(header: string): number {
  return /^[A-Z][a-z]+, \d.* GMT$/.test(header.trim()) ? Date.parse(header) : Number.NaN
}
