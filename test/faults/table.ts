import type { Reporter, TestModule } from 'vitest/node'
import type { CellResult } from './cell.ts'
import { FAULTS, type Fault, POINTS, type Point, reasonToSkip } from './matrix.ts'

const HEADINGS = ['fault', 'point', 'events', 'received', 'lost', 'dup.', 'resumed', 'done', 'exits', 'left over']

/** Prints what came of each fault at each point when all is over. */
export default class FaultsTable implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules
      .flatMap((module) => [...module.children.allTests()])
      .filter((test) => test.result().state !== 'skipped')
    const cells = tests.flatMap((test) => test.meta().cell ?? [])
    const ran = (start: string): boolean => tests.some(({ name }) => name.startsWith(start))
    const rows = FAULTS.filter((fault) => ran(`${fault}, `)).flatMap((fault) =>
      POINTS.flatMap((point) => rowsOf(fault, point, cells, ran(`${fault}, ${point}:`))),
    )
    if (rows.length === 0) return
    console.log(`\n${align([HEADINGS, ...rows])}\n`)
    const sum = (count: (cell: CellResult) => number): number => cells.reduce((total, cell) => total + count(cell), 0)
    console.log(
      `${cells.length} cells, ${sum(({ committed }) => committed)} events, ${sum(({ lost }) => lost)} lost, ` +
        `${sum(({ duplicates }) => duplicates)} duplicates, ${sum(({ rejectedSettles }) => rejectedSettles)} late settles rejected\n`,
    )
  }
}

function rowsOf(fault: Fault, point: Point, cells: readonly CellResult[], ran: boolean): string[][] {
  const here = cells.filter((cell) => cell.fault === fault && cell.point === point)
  if (here.length > 0) return here.map(toRow)
  const reason = reasonToSkip(fault, point)
  if (reason !== undefined) return [[fault, point, `— ${reason}`]]
  return ran ? [[fault, point, 'no result']] : []
}

function toRow(cell: CellResult): string[] {
  return [
    cell.fault,
    cell.point,
    `${cell.committed}`,
    `${cell.received}`,
    `${cell.lost}`,
    `${cell.duplicates}`,
    seconds(cell.resumedAfterMs),
    seconds(cell.doneAfterMs),
    cell.exits.join(' ') || 'none',
    leftOver(cell),
  ]
}

function leftOver({ deliveries, inflight, jobs, dead_workers, settled_twice }: CellResult): string {
  const counts = Object.entries({ deliveries, inflight, jobs, dead_workers, settled_twice })
  return counts.flatMap(([what, count]) => (count > 0 ? `${count} ${what}` : [])).join(', ') || '0'
}

const seconds = (ms: number): string => (Number.isNaN(ms) ? '' : `${(ms / 1000).toFixed(1)} s`)

/** In columns; what follows an incomplete row's last cell is nothing that could be pushed aside. */
function align(rows: readonly (readonly string[])[]): string {
  const complete = rows.filter((row) => row.length === HEADINGS.length)
  const widths = HEADINGS.map((_, n) => Math.max(...(n < 2 ? rows : complete).map((row) => row[n]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((text, n) => text.padEnd(widths[n] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
