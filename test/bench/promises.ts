import type { Verdict } from './findings.ts'

interface Promised {
  readonly promise: string
  readonly limit: number
}

/** What the bench holds the outbox to, on two cores. A part that finds one broken exits 1. */
export const promises = {
  enqueueToHand: atLeast(
    '16 connections: enqueue, signed, to an insert by hand with the same signature, at least',
    0.7,
  ),
  enqueueToAddJob: atLeast('64 connections: enqueue, signed, to add_job with the same signature, at least', 3),
  deliverToGot: atLeast('one worker to a bare got loop, at least', 0.85),
  deliverToGraphile: atLeast('one worker to graphile-worker with its defaults, at least', 2),
  deliverToPgBoss: atLeast('one worker to the better of pg-boss, at least', 2),
  twoToOne: atLeast('two worker processes to one, at least', 1.6),
  latencyP50: atMost('commit to accepted at 50 events/s, median ms, at most', 25),
  latencyP99: atMost('commit to accepted at 50 events/s, p99 ms, at most', 60),
  isolation: atMost('healthy p99 beside streams in trouble to alone, at most', 1.5),
  redrive: atMost('live p99 during a redrive to alone, at most', 1.5),
  backlog: atLeast('rate with a million waiting to the rate with none, at least', 0.9),
  history: atLeast('rate with ten million settled to the rate with none, at least', 0.9),
  snapshot: atLeast('rate under a held snapshot to the rate without, at least', 0.7),
  idle: atMost('percent of a core for idle streams, at most', 5),
  soakGrowth: atMost('percent that the memory of a worker grows over the second half, at most', 10),
} satisfies Record<string, Promised & { judge(measured: number): Verdict }>

function atLeast(promise: string, limit: number) {
  return {
    promise,
    limit,
    judge: (measured: number): Verdict => ({ promise, limit, measured, kept: measured >= limit }),
  }
}

function atMost(promise: string, limit: number) {
  return {
    promise,
    limit,
    judge: (measured: number): Verdict => ({ promise, limit, measured, kept: measured <= limit }),
  }
}
