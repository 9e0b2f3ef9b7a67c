import { Gauge, type Registry } from 'prom-client'
import type { Figures, StreamFigures } from './figures.ts'

interface RowGauge<Row> {
  readonly name: string
  readonly help: string
  readonly of: (row: Row) => number
}

const STREAM_GAUGES: readonly RowGauge<StreamFigures>[] = [
  { name: 'risc_stream_queued', help: 'Deliveries that wait; of many, at least so many.', of: (row) => row.queued },
  { name: 'risc_stream_dispatched', help: 'Deliveries handed to the fleet.', of: (row) => row.dispatched },
  { name: 'risc_stream_dead_letters', help: 'Dead letters; of many, at least so many.', of: (row) => row.dead },
  {
    name: 'risc_stream_breaker_open',
    help: '1 while nothing but probes is sent, after trouble.',
    of: (row) => row.open_breakers,
  },
  {
    name: 'risc_stream_window',
    help: 'How many deliveries may be dispatched at a time, as the answers of the receiver have earned it.',
    of: (row) => row.send_window,
  },
]

const DATABASE_GAUGES: readonly RowGauge<Figures>[] = [
  { name: 'risc_workers', help: 'Workers that live.', of: ({ database }) => database.workers },
  { name: 'risc_slots', help: 'Deliveries in flight at most, of all workers.', of: ({ database }) => database.slots },
  {
    name: 'risc_oldest_snapshot_age_seconds',
    help: 'Age of the oldest transaction that keeps vacuum from removing rows.',
    of: ({ database }) => database.oldest_snapshot_age,
  },
  {
    name: 'risc_inflight_dead_rows',
    help: 'Rows of risc.inflight that wait for vacuum.',
    of: ({ database }) => database.inflight_dead_rows,
  },
  {
    name: 'risc_rows_read_duration_seconds',
    help: 'What it took to read all that comes from rows.',
    of: ({ took_seconds }) => took_seconds,
  },
]

/** Registers what is read from rows when somebody asks. Where no figures can be had, there are no values either. */
export function addRowMetrics(registry: Registry, read: () => Promise<Figures | undefined>): void {
  const registers = [registry]

  for (const { name, help, of } of DATABASE_GAUGES) {
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        const figures = await read()
        if (figures === undefined) this.remove()
        else this.set(of(figures))
      },
    })
  }

  for (const { name, help, of } of STREAM_GAUGES) {
    new Gauge({
      name,
      help,
      labelNames: ['stream_id'],
      registers,
      async collect() {
        const figures = await read()
        this.reset()
        for (const row of figures?.streams ?? []) this.inc({ stream_id: row.stream_id }, of(row))
      },
    })
  }

  new Gauge({
    name: 'risc_stream_oldest_due_age_seconds',
    help: 'For how long the oldest delivery has been due; 0 when none is.',
    labelNames: ['stream_id', 'status'],
    registers,
    async collect() {
      const figures = await read()
      this.reset()
      for (const row of figures?.streams ?? []) {
        this.set({ stream_id: row.stream_id, status: row.status }, row.oldest_due_age)
      }
    },
  })

  new Gauge({
    name: 'risc_stream_certificate_expiry_timestamp_seconds',
    help: 'When the certificate that the receiver showed last expires; of several streams, the first to.',
    labelNames: ['stream_id'],
    registers,
    async collect() {
      const figures = await read()
      this.reset()
      for (const [stream_id, expiresAt] of firstExpiries(figures?.streams ?? [])) this.set({ stream_id }, expiresAt)
    },
  })

  new Gauge({
    name: 'risc_stream_status',
    help: 'How many streams have that status for that reason: one, but for "(other)".',
    labelNames: ['stream_id', 'status', 'reason'],
    registers,
    async collect() {
      const figures = await read()
      this.reset()
      for (const { stream_id, status, reason, streams } of figures?.streams ?? []) {
        this.set({ stream_id, status, reason }, streams)
      }
    },
  })
}

/** The other streams have a row for each status. */
function firstExpiries(streams: readonly StreamFigures[]): ReadonlyMap<string, number> {
  const first = new Map<string, number>()
  for (const { stream_id, certificate_expires_at } of streams) {
    if (certificate_expires_at === null) continue
    first.set(stream_id, Math.min(certificate_expires_at, first.get(stream_id) ?? certificate_expires_at))
  }
  return first
}
