import stringWidth from 'string-width'
import { paint } from '../colour.ts'
import { formatSpan } from '../duration.ts'
import { cutText, formatTime, printable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { byTrouble, describeRest } from './condition.ts'
import { addUp, type LastMinute } from './last-minute.ts'
import type { Report } from './report.ts'
import { sparkline } from './sparkline.ts'
import { formatStreams, formatWorkers } from './tables.ts'

/** What the live screen shows. */
export interface View {
  readonly report: Report
  readonly minutes: ReadonlyMap<string, LastMinute>
  /** Why there is nothing newer to show. */
  readonly trouble: string | undefined
}

/** A terminal that has a size. */
export type Size = Terminal & Required<Pick<Terminal, 'columns' | 'rows'>>

const HEADER_LINES = 3
const OLD_COUNTS_MS = 5000
const LEAST_ROOM_FOR_WORKERS = 12
const BESIDE_THE_MINUTE = 66

/** Draws the screen: no more lines than the terminal has, and none that is longer. */
export function drawScreen(view: View, size: Size): string[] {
  const room = size.rows - HEADER_LINES
  const workers = room < LEAST_ROOM_FOR_WORKERS ? [] : drawWorkers(view, size, Math.floor(room / 3))
  const streams = drawStreams(view, size, room - workers.length)
  return [...drawHeader(view, size), ...streams, ...workers].slice(0, size.rows)
}

function drawHeader({ report: { at, counted_at, totals }, minutes, trouble }: View, size: Size): string[] {
  const { streams, queued, dispatched, slots, dead } = totals
  const rate = `${formatRate(totals.accepted_per_second)}/s accepted `
  const ageMs = at.getTime() - counted_at.getTime()
  const counted = ageMs > OLD_COUNTS_MS ? `queued and dead as of ${formatSpan(ageMs)} ago` : ''
  const notice =
    (trouble && printable(trouble)) ??
    (totals.workers === 0 ? 'no worker is alive: start one with `risc-worker run`' : counted)
  const colour = trouble === undefined ? undefined : 'red'
  return [
    atBothEnds(
      `${streams} ${streams === 1 ? 'stream' : 'streams'}: ${queued} queued, ${dispatched} dispatched of ${slots} slots, ${dead} dead`,
      formatTime(at),
      size,
    ),
    cutText(rate + sparkline(addUp(minutes.values()), cellsWithin(size.columns - rate.length)), size.columns),
    atBothEnds(notice, 'q quits', size, colour),
  ]
}

function drawStreams({ report: { streams }, minutes }: View, size: Size, room: number): string[] {
  if (streams.length === 0 || room < 2) return []
  const worstFirst = byTrouble(streams)
  const shown = streams.length < room ? worstFirst : worstFirst.slice(0, room - 2)
  const rest = worstFirst.slice(shown.length)
  const cells = cellsWithin(size.columns - BESIDE_THE_MINUTE)
  const table = formatStreams(shown, size, {
    head: ['ACC/S', 'LAST MINUTE'],
    cells: (stream) => [formatRate(stream.accepted_per_second), sparkline(minutes.get(stream.stream_id) ?? [], cells)],
  })
  return [...lines(table), ...(rest.length > 0 ? [cutText(describeRest(rest), size.columns)] : [])]
}

function drawWorkers({ report: { workers } }: View, size: Size, room: number): string[] {
  if (workers.length === 0) return []
  const shown = workers.length + 2 <= room ? workers : workers.slice(0, room - 3)
  const rest = workers.length - shown.length
  return ['', ...lines(formatWorkers(shown, size)), ...(rest > 0 ? [`… ${rest} more`] : [])]
}

function atBothEnds(left: string, right: string, { columns, colours }: Size, colour?: 'red'): string {
  const room = columns - right.length - 2
  if (room < 1) return cutText(left, columns)
  const cutLeft = cutText(left, room)
  const padding = ' '.repeat(columns - right.length - stringWidth(cutLeft))
  return (colours && colour !== undefined ? paint(cutLeft, colour) : cutLeft) + padding + right
}

/** So many cells that each stands for as many seconds. */
function cellsWithin(columns: number): number {
  return [60, 30, 20, 15, 12, 10, 6, 5].find((cells) => cells <= columns) ?? 1
}

function formatRate(perSecond: number): number {
  return perSecond < 10 ? Math.round(perSecond * 10) / 10 : Math.round(perSecond)
}

function lines(text: string): string[] {
  return text.split('\n').slice(0, -1)
}
