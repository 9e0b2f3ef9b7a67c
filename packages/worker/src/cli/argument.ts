import { InvalidArgumentError } from 'commander'
import { parseDuration } from './duration.ts'

const LARGEST_INTEGER = 2_147_483_647 // PostgreSQL's

/** Reads an option as a whole number. */
export function wholeNumber(min: number, max: number = LARGEST_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
  }
}

/** Reads an option as a duration in milliseconds. */
export function duration(maxDays: number, minMs = 1): (text: string) => number {
  return (text) => {
    const ms = parseDuration(text)
    if (ms !== undefined && ms >= minMs && ms <= maxDays * 86_400_000) return ms
    throw new InvalidArgumentError(`It must be a duration such as 250ms, 10s, 5m, 72h or 3d, at most ${maxDays}d.`)
  }
}

/** Collects an option that may be repeated and may hold several values separated by commas. */
export function commaSeparated(text: string, before: readonly string[] = []): string[] {
  const words = text.split(',').filter((word) => word !== '')
  if (words.length === 0) throw new InvalidArgumentError('It must not be empty.')
  return [...before, ...words]
}

/** Collects as {@link commaSeparated} does, each value read by `read`; `none`, which stands alone, is the empty list. */
export function listOrNone<Value>(read: (text: string) => Value): (text: string, before?: readonly Value[]) => Value[] {
  return (text, before) => {
    const words = commaSeparated(text)
    const others = words.length - 1 + (before?.length ?? 0)
    if (before?.length === 0 || (words.includes('none') && others > 0)) {
      throw new InvalidArgumentError('none stands alone.')
    }
    return words.includes('none') ? [] : [...(before ?? []), ...words.map(read)]
  }
}
