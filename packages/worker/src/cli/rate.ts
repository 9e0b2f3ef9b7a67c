import { InvalidArgumentError } from 'commander'

const SECONDS = { s: 1, min: 60, h: 3600 } as const

/** Reads an option such as `50/s`, `250/min` or `1000/h` as so many per second. */
export function rate(text: string): number {
  const { count = '', unit } = /^(?<count>\d{1,6})\/(?<unit>s|min|h)$/.exec(text)?.groups ?? {}
  if (Number(count) > 0) return Number(count) / SECONDS[unit as keyof typeof SECONDS]
  throw new InvalidArgumentError('It must be a rate such as 50/s, 250/min or 1000/h.')
}

/** Writes a rate for people, in the smallest unit that needs no fraction to speak of. */
export function formatRate(perSecond: number): string {
  const [unit, seconds] =
    Object.entries(SECONDS).find(([, seconds]) => perSecond * seconds >= 10) ?? (['h', SECONDS.h] as const)
  return `${Math.round(perSecond * seconds)}/${unit}`
}
