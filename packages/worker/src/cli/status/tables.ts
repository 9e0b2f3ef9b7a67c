import { formatSpan } from '../duration.ts'
import type { LiveWorker } from '../queries/workers.ts'
import { type Cell, formatTable, type PaintedCell } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { conditionOf } from './condition.ts'
import type { StreamReport } from './report.ts'

/** What a table of streams says of the last minute. */
export interface LastMinuteColumns {
  readonly head: readonly string[]
  cells(stream: StreamReport): readonly Cell[]
}

/** How the words of a stream's status are painted. */
export const STATUS_COLOURS = { enabled: 'green', held: 'yellow', paused: 'yellow', disabled: 'red' } as const

/** One line per stream. */
export function formatStreams(
  streams: readonly StreamReport[],
  terminal: Terminal,
  { head, cells }: LastMinuteColumns,
): string {
  return formatTable(
    ['STREAM', 'STATUS', 'QUEUED', 'WINDOW', 'DEAD', 'LAG', ...head],
    streams.map((stream) => [
      stream.stream_id,
      paintStatus(stream),
      stream.queued,
      `${stream.dispatched}/${stream.max_in_flight}`,
      { text: stream.dead, colour: stream.dead > 0 ? 'red' : undefined },
      { text: formatSpan(stream.lag_seconds * 1000), colour: conditionOf(stream) === 'late' ? 'red' : undefined },
      ...cells(stream),
    ]),
    { terminal, cut: ['STATUS', 'STREAM'] },
  )
}

/** One line per live worker. */
export function formatWorkers(workers: readonly LiveWorker[], terminal: Terminal): string {
  return formatTable(
    ['WORKER', 'SLOTS', 'IN FLIGHT', 'LAST BEAT'],
    workers.map((worker) => [
      worker.name,
      worker.slots,
      worker.in_flight,
      `${formatSpan(worker.beat_age_seconds * 1000)} ago`,
    ]),
    { terminal, cut: ['WORKER'] },
  )
}

function paintStatus({ status, status_reason, breaker_open_because }: StreamReport): PaintedCell {
  const held = status === 'enabled' && breaker_open_because !== null
  const reason = status_reason ?? (held ? breaker_open_because : null)
  const word = held ? 'held' : status
  return { text: reason === null ? word : `${word} (${reason})`, colour: STATUS_COLOURS[word] }
}
