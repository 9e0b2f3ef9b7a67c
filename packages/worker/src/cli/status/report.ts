import type { StreamCount, StreamHealth } from '../queries/health.ts'
import type { LiveWorker } from '../queries/workers.ts'
import type { Glance } from './glance.ts'
import { lastMinutes, perSecond, total } from './last-minute.ts'

/** A stream as `status` shows it. */
export interface StreamReport extends StreamHealth {
  readonly queued: number
  readonly dead: number
  /** Over the last five seconds. */
  readonly accepted_per_second: number
  readonly accepted_last_minute: number
}

/** What `status --json` prints. */
export interface Report {
  readonly at: Date
  /** When `queued` and `dead` were counted, which is dear where much waits. */
  readonly counted_at: Date
  readonly streams: readonly StreamReport[]
  readonly workers: readonly LiveWorker[]
  readonly totals: Totals
}

/** All streams and workers together. */
export interface Totals {
  readonly streams: number
  readonly queued: number
  readonly dispatched: number
  readonly dead: number
  readonly accepted_per_second: number
  readonly accepted_last_minute: number
  readonly workers: number
  readonly slots: number
}

/** Puts together what was seen and what was counted, be it a while before. */
export function report(seen: Glance, counts: readonly StreamCount[], countedMsBefore = 0): Report {
  const minutes = lastMinutes(seen)
  const countOf = new Map(counts.map((count) => [count.stream_id, count]))
  const streams = seen.streams.map((stream): StreamReport => {
    const { waiting = 0, dead = 0 } = countOf.get(stream.stream_id) ?? {}
    const minute = minutes.get(stream.stream_id)
    return {
      ...stream,
      queued: Math.max(waiting - stream.dispatched, 0),
      dead,
      accepted_per_second: perSecond(minute),
      accepted_last_minute: total(minute),
    }
  })
  return {
    at: seen.at,
    counted_at: new Date(seen.at.getTime() - countedMsBefore),
    streams,
    workers: seen.workers,
    totals: addUp(streams, seen.workers),
  }
}

function addUp(streams: readonly StreamReport[], workers: readonly LiveWorker[]): Totals {
  return {
    streams: streams.length,
    queued: sum(streams, 'queued'),
    dispatched: sum(streams, 'dispatched'),
    dead: sum(streams, 'dead'),
    accepted_per_second: sum(streams, 'accepted_per_second'),
    accepted_last_minute: sum(streams, 'accepted_last_minute'),
    workers: workers.length,
    slots: sum(workers, 'slots'),
  }
}

function sum<Key extends string>(rows: readonly Readonly<Record<Key, number>>[], key: Key): number {
  return rows.reduce((total, row) => total + row[key], 0)
}
