import stringWidth from 'string-width'
import { type Colour, paint } from './colour.ts'
import type { Terminal } from './terminal.ts'

export type Cell = string | number | PaintedCell

/** A cell that has a colour where colours are shown. */
export interface PaintedCell {
  readonly text: string | number
  readonly colour: Colour | undefined
}

/** How a table is to fit where it goes. */
export interface Fit {
  readonly terminal: Terminal
  /** The columns to cut where there is too little room, the widest first; no other is ever cut. */
  readonly cut?: readonly string[]
}

interface Column {
  readonly name: string
  readonly cells: readonly PaintedCell[]
  readonly alignRight: boolean
  readonly width: number
  readonly mayBeCut: boolean
}

const GAP = '  '
const LEAST_WIDTH = 6
const ANYWHERE: Terminal = { colours: false }

/**
 * Lays rows out in columns for people, without borders; columns of numbers are aligned to the right. On a terminal the
 * table is no wider than that: columns are cut, and those on the right that have no room even so are left out.
 */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  { terminal, cut = [] }: Fit = { terminal: ANYWHERE },
): string {
  const all = head.map((name, place) =>
    readColumn(
      name,
      rows.map((row) => row[place] ?? ''),
      cut.includes(name),
    ),
  )
  const columns = fit(all, terminal.columns ?? Number.POSITIVE_INFINITY)
  const heading = columns.map((column) => layOut({ text: column.name, colour: 'bold' }, column, terminal))
  const lines = rows.map((_, row) =>
    columns.map((column) => layOut(column.cells[row] ?? { text: '', colour: undefined }, column, terminal)),
  )
  return [heading, ...lines].map((cells) => `${cells.join(GAP).trimEnd()}\n`).join('')
}

/** Writes a point in time to the second. */
export function formatTime(time: Date | null): string {
  return time === null ? '-' : time.toISOString().replace(/\.\d+Z$/, 'Z')
}

/** Shortens a text to so many columns of a terminal. */
export function cutText(text: string, width: number): string {
  if (stringWidth(text) <= width) return text
  let kept = ''
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (stringWidth(kept + segment) >= width) break
    kept += segment
  }
  return width > 0 ? `${kept}…` : ''
}

function readColumn(name: string, cells: readonly Cell[], mayBeCut: boolean): Column {
  const painted = cells.map(readCell)
  return {
    name,
    cells: painted,
    alignRight: painted.some(({ text }) => typeof text === 'number'),
    width: painted.reduce((widest, { text }) => Math.max(widest, stringWidth(`${text}`)), stringWidth(name)),
    mayBeCut,
  }
}

function readCell(cell: Cell): PaintedCell {
  const { text, colour } = typeof cell === 'object' ? cell : { text: cell, colour: undefined }
  return { text: typeof text === 'string' ? printable(text) : text, colour }
}

/** What somebody else wrote must not steer the reader's terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, '\u{fffd}')
}

/** Caps the columns that may be cut, by no more than it takes. */
function fit(all: readonly Column[], room: number): readonly Column[] {
  const kept = all.filter((_, place) => place === 0 || total(capped(all.slice(0, place + 1), LEAST_WIDTH)) <= room)
  let cap = Math.max(...kept.map(({ width }) => width))
  while (cap > LEAST_WIDTH && total(capped(kept, cap)) > room) cap--
  return capped(kept, cap)
}

function capped(columns: readonly Column[], cap: number): readonly Column[] {
  return columns.map((column) => (column.mayBeCut ? { ...column, width: Math.min(column.width, cap) } : column))
}

function total(columns: readonly Column[]): number {
  return columns.reduce((sum, { width }) => sum + width + GAP.length, -GAP.length)
}

function layOut({ text, colour }: PaintedCell, { width, alignRight }: Column, { colours }: Terminal): string {
  const cutToWidth = cutText(`${text}`, width)
  const padding = ' '.repeat(Math.max(width - stringWidth(cutToWidth), 0))
  const shown = colours && colour !== undefined ? paint(cutToWidth, colour) : cutToWidth
  return alignRight ? padding + shown : shown + padding
}
