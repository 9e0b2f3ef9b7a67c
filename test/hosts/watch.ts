import { until as untilWithin } from '../support/until.ts'
import { addressOf, type Host, type WorkerHost } from './network.ts'
import type { Arrival } from './receivers-process.ts'
import type { Stage } from './stage.ts'
import type { Attempt } from './worker-process.ts'

/** What a worker held when it was cut off: whatever it says of it later comes too late. */
export interface Stranded {
  readonly worker: WorkerHost
  readonly jtis: ReadonlySet<string>
  /** How many attempts it had logged before. */
  readonly loggedBefore: number
}

/** When a fault began or ended, and when things flowed again. Both as `Date.now()` tells it. */
export interface Resumption {
  readonly from: number
  readonly flowedAt: number
}

/** A stage with someone who watches it. */
export interface WatchedStage extends Stage {
  /** All that was stranded so far. */
  readonly stranded: Stranded[]
  /** Waits for something to become true. Rejects when the time of the whole run is up. */
  until(what: string, holds: () => boolean | Promise<boolean>): Promise<void>
  /** What came from one of the hosts since then. */
  arrivalsFrom(hosts: readonly Host[], since: number): readonly Arrival[]
  /** Waits until each of the hosts has sent something since then. Resolves with the time it is then. */
  sawAll(hosts: readonly Host[], since: number): Promise<number>
  /** Waits until everything that is on record by now has come to its receiver. */
  catchUp(): Promise<void>
  /** The attempts that a worker has logged. */
  logOf(worker: WorkerHost): readonly Attempt[]
}

export function watch(stage: Stage, withinMs: number): WatchedStage {
  const deadline = performance.now() + withinMs
  const { receivers, producer, workers } = stage

  async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    await untilWithin(async () => (await holds()) || undefined, what, deadline - performance.now())
  }

  function arrivalsFrom(hosts: readonly Host[], since: number): readonly Arrival[] {
    const addresses = hosts.map(addressOf)
    return receivers.arrivals.filter(({ from, at }) => at >= since && addresses.includes(from))
  }

  return {
    ...stage,
    stranded: [],
    until,
    arrivalsFrom,
    async sawAll(hosts, since) {
      await until(`SETs from ${hosts}`, () => hosts.every((host) => arrivalsFrom([host], since).length > 0))
      return Date.now()
    },
    async catchUp() {
      const jtis = producer.committed.map(({ jti }) => jti)
      await until('all that was committed', () => jtis.every(receivers.has))
    },
    logOf: (host) => workers.find((worker) => worker.host === host)?.attempts ?? [],
  }
}
