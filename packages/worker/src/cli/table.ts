import Table from 'cli-table3'

export type Cell = string | number

/** Lays rows out in columns for people, without borders; columns of numbers are aligned to the right. */
export function formatTable(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const table = new Table({
    head: [...head],
    chars: NO_BORDERS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: head.map((_, column) => (rows.some((row) => typeof row[column] === 'number') ? 'right' : 'left')),
  })
  table.push(...rows.map((row) => row.map((cell) => (typeof cell === 'string' ? printable(cell) : cell))))
  return `${table.toString().replaceAll(/ +$/gm, '')}\n`
}

/** Writes a point in time to the second. */
export function formatTime(time: Date | null): string {
  return time === null ? '-' : time.toISOString().replace(/\.\d+Z$/, 'Z')
}

/** What somebody else wrote must not steer the reader's terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, '\u{fffd}')
}

const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}
