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

/** Reads an option as durations in milliseconds, separated by commas. */
export function durations(maxDays: number): (text: string) => number[] {
  return (text) => text.split(',').map(duration(maxDays))
}

/** Collects an option that may be repeated and may hold several values separated by commas. */
export function commaSeparated(text: string, before: readonly string[] = []): string[] {
  return [...before, ...text.split(',').filter((part) => part !== '')]
}
