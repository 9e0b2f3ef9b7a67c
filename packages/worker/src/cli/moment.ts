import { InvalidArgumentError } from 'commander'
import { parseDuration } from './duration.ts'

/** A point in time as people name it: in ISO 8601, or by how long ago it was, which the database's clock tells. */
export type Moment = { readonly at: string } | { readonly agoMs: number }

const ISO_8601 = /^(?<day>\d{4}-\d\d-\d\d)(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d))?$/
const LONGEST_AGO_MS = 3650 * 86_400_000

/** Reads an option as a moment: `24h`, `2026-03-01` (UTC) or `2026-03-01T14:00:00Z`. */
export function moment(text: string): Moment {
  const agoMs = parseDuration(text)
  if (agoMs !== undefined && agoMs <= LONGEST_AGO_MS) return { agoMs }
  const { day } = ISO_8601.exec(text)?.groups ?? {}
  if (day !== undefined && isDay(day) && !Number.isNaN(Date.parse(text))) {
    return { at: text === day ? `${day}T00:00Z` : text }
  }
  throw new InvalidArgumentError('It must be a time such as 2026-03-01T14:00:00Z, or how long ago: 30m, 24h, 7d.')
}

/** `Date` takes the thirtieth of February for the second of March. */
function isDay(day: string): boolean {
  const time = new Date(`${day}T00:00Z`)
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(day)
}
