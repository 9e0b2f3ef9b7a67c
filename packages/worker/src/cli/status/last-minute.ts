import { type Glance, SECONDS_KEPT, secondOf } from './glance.ts'

/** How many deliveries were accepted in each second of the last minute, the latest last. */
export type LastMinute = readonly number[]

const LATELY_SECONDS = 5

/** The last minute of each stream that has had anything accepted in it. */
export function lastMinutes({ at, accepted }: Glance): ReadonlyMap<string, LastMinute> {
  const minutes = new Map<string, number[]>()
  const first = secondOf(at) - SECONDS_KEPT
  for (const { stream_id, second, accepted: count } of accepted) {
    const minute = minutes.get(stream_id) ?? Array<number>(SECONDS_KEPT).fill(0)
    if (second >= first && second < first + SECONDS_KEPT) minute[second - first] = count
    minutes.set(stream_id, minute)
  }
  return minutes
}

/** Adds the last minutes of all streams up. */
export function addUp(minutes: Iterable<LastMinute>): LastMinute {
  const all = [...minutes]
  return Array.from({ length: SECONDS_KEPT }, (_, second) =>
    all.reduce((sum, minute) => sum + (minute[second] ?? 0), 0),
  )
}

/** What a last minute comes to. */
export function total(minute: LastMinute = []): number {
  return minute.reduce((sum, count) => sum + count, 0)
}

/** The mean of a second of late: over more than one, or nobody could read it. */
export function perSecond(minute: LastMinute = []): number {
  return total(minute.slice(-LATELY_SECONDS)) / LATELY_SECONDS
}
