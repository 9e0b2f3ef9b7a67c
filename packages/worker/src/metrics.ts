import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { DeliveryReport } from './delivery-report.ts'
import type { Pass } from './dispatch.ts'
import { OTHER_STREAMS } from './figures.ts'

/** What a worker counts of its own work. Values of several workers add up. */
export interface Metrics {
  reported(report: DeliveryReport): void
  dispatched(pass: Pass): void
  inFlight(deliveries: number): void
  /** Makes of `run` one whose batches are measured as `statement`. */
  timed<Item, Result>(statement: 'claim' | 'settle', run: Batch<Item, Result>): Batch<Item, Result>
}

type Batch<Item, Result> = (items: readonly Item[]) => Promise<readonly Result[]>

/** What metrics depend on. */
export interface MetricsSettings {
  readonly slots: number
  /** How many streams have series of their own. */
  readonly streams: number
}

const STATEMENT_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]
/** Few: each is a series of every stream. */
const REQUEST_SECONDS = [0.025, 0.1, 0.25, 0.5, 1, 3, 10, 30]
const LAG_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300, 3600]

/** Registers a worker's own metrics. No label holds a `jti`, a subject or an address, and every label is bounded. */
export function createMetrics(registry: Registry, { slots, streams }: MetricsSettings): Metrics {
  const registers = [registry]
  const labelOf = streamLabels(streams)

  const attempts = new Counter({
    name: 'risc_attempts_total',
    help: 'Attempts by what they meant, those among them that no request came of.',
    labelNames: ['stream_id', 'outcome', 'reason'],
    registers,
  })
  const requestSeconds = new Histogram({
    name: 'risc_request_duration_seconds',
    help: 'From name look-up to the last byte read, whatever the answer.',
    labelNames: ['stream_id'],
    buckets: REQUEST_SECONDS,
    registers,
  })
  const lagSeconds = new Histogram({
    name: 'risc_delivery_lag_seconds',
    help: 'From the enqueueing of a delivery to the record that it was accepted.',
    labelNames: ['stream_id'],
    buckets: LAG_SECONDS,
    registers,
  })
  const attemptsNeeded = new Histogram({
    name: 'risc_accepted_delivery_attempts',
    help: 'Counted attempts that an accepted delivery took.',
    buckets: [1, 2, 3, 4, 5, 10],
    registers,
  })
  const handed = new Counter({
    name: 'risc_dispatched_total',
    help: 'Deliveries handed to the fleet by passes of this worker.',
    registers,
  })
  const passSeconds = new Histogram({
    name: 'risc_dispatch_duration_seconds',
    help: 'What a pass of the dispatcher took in the database.',
    buckets: STATEMENT_SECONDS,
    registers,
  })
  const statementSeconds = new Histogram({
    name: 'risc_statement_duration_seconds',
    help: 'From asking the database to its answer, repetitions included.',
    labelNames: ['statement'],
    buckets: STATEMENT_SECONDS,
    registers,
  })
  const batchSize = new Histogram({
    name: 'risc_batch_size',
    help: 'Deliveries that travelled in one statement.',
    labelNames: ['statement'],
    buckets: [1, 2, 5, 10, 20, 40],
    registers,
  })
  const inFlight = new Gauge({
    name: 'risc_worker_in_flight',
    help: 'Deliveries that this worker has begun and not yet settled.',
    registers,
  })
  new Gauge({ name: 'risc_worker_slots', help: 'Deliveries handed out for this worker.', registers }).set(slots)

  return {
    reported({ delivery, outcome, recorded, durationMs, lagMs }) {
      if (durationMs === undefined) return // no attempt was made
      const stream_id = labelOf(delivery.streamId)
      attempts.inc({ stream_id, outcome: outcome.kind, reason: outcome.kind === 'accepted' ? '' : outcome.reason })
      requestSeconds.observe({ stream_id }, durationMs / 1000)
      if (!recorded || outcome.kind !== 'accepted') return
      lagSeconds.observe({ stream_id }, lagMs / 1000)
      attemptsNeeded.observe(delivery.attempts + 1)
    },
    dispatched(pass) {
      handed.inc(pass.handed)
      passSeconds.observe(pass.took_ms / 1000)
    },
    inFlight: (deliveries) => inFlight.set(deliveries),
    timed: (statement, run) => async (items) => {
      const startedAt = performance.now()
      const results = await run(items)
      statementSeconds.observe({ statement }, (performance.now() - startedAt) / 1000)
      batchSize.observe({ statement }, items.length)
      return results
    },
  }
}

/** The first streams that come keep their names, so that no history of labels grows without end. */
function streamLabels(limit: number): (streamId: string) => string {
  const named = new Set<string>()
  return (streamId) => {
    if (named.size < limit) named.add(streamId)
    return named.has(streamId) ? streamId : OTHER_STREAMS
  }
}
