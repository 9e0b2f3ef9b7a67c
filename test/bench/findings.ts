import type { Plot } from './plot.ts'
import type { Spread } from './rounds.ts'

/** What a part found: figures as figures, so that tables, files and plots come of the same ones. */
export interface Findings {
  /** The server it was measured with, and how it is set. */
  readonly postgres?: string
  readonly tables: readonly Table[]
  readonly verdicts: readonly Verdict[]
  readonly plot?: Plot
  /** What could not be measured, and why. */
  readonly notes?: readonly string[]
}

/** A missing figure is `null`: it was not measured here. */
export type Cell = string | number | Spread | null

export interface Table {
  readonly caption: string
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly Cell[])[]
}

export interface Column {
  readonly name: string
  /** After the point. */
  readonly digits?: number
}

/** Whether a promise was kept. */
export interface Verdict {
  readonly promise: string
  readonly limit: number
  readonly measured: number
  readonly kept: boolean
}

/** A table as lines of equal columns, for a terminal. */
export function textTable({ caption, columns, rows }: Table): string {
  const lines = [
    columns.map(({ name }) => name),
    ...rows.map((row) => row.map((cell, n) => cellText(cell, columns[n]))),
  ]
  const widths = columns.map((_, n) => Math.max(...lines.map((line) => line[n]?.length ?? 0)))
  return [caption, ...lines.map((line) => line.map((text, n) => text.padEnd(widths[n] ?? 0)).join('  '))]
    .map((line) => line.trimEnd())
    .join('\n')
}

/** The same for a Markdown file. */
export function markdownTable({ caption, columns, rows }: Table): string {
  const line = (texts: readonly string[]): string => `| ${texts.join(' | ')} |`
  const head = [line(columns.map(({ name }) => name)), line(columns.map(() => '---'))]
  return [
    `${caption}:`,
    '',
    ...head,
    ...rows.map((row) => line(row.map((cell, n) => cellText(cell, columns[n])))),
  ].join('\n')
}

export function verdictText({ promise, limit, measured, kept }: Verdict): string {
  return `${kept ? 'kept' : 'BROKEN'}: ${promise} ${limit}: ${Number.isFinite(measured) ? short(measured) : 'not measured'}`
}

function cellText(cell: Cell | undefined, { digits = 0 }: Column = { name: '' }): string {
  if (cell === null || cell === undefined) return '–'
  if (typeof cell === 'string') return cell
  if (typeof cell === 'number') return Number.isNaN(cell) ? '–' : cell.toFixed(digits)
  const { median, min, max } = cell // read from JSON, what was NaN is null
  return Number.isFinite(median) ? `${median.toFixed(digits)} (${min.toFixed(digits)} … ${max.toFixed(digits)})` : '–'
}

const short = (value: number): string => String(Number(value.toPrecision(3)))
