import { afterAll, afterEach, beforeAll, test } from 'vitest'
import { type CellResult, runCell, startOver } from './cell.ts'
import { type Fault, FULL, POINTS, reasonToSkip } from './matrix.ts'
import { check } from './promises.ts'
import { openStand, type Stand } from './stand.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** For the table. */
    cell?: CellResult
  }
}

const ROUNDS = FULL ? 5 : 1

/** Tests every cell of some faults, one after the other on one stand. */
export function testFaults(faults: readonly Fault[], options: { readonly proxied: boolean }): void {
  let stand: Stand
  beforeAll(async () => {
    stand = await openStand(options)
  }, 120_000)
  afterAll(() => stand?.close(), 60_000)
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await startOver(stand)
  }, 120_000)

  for (const fault of faults) {
    for (const point of POINTS.filter((each) => reasonToSkip(fault, each) === undefined)) {
      for (let round = 1; round <= ROUNDS; round++) {
        const again = round > 1 ? `, again (${round})` : ''
        test(`${fault}, ${point}: nothing is lost, and all is delivered within 30 s${again}`, async ({ task }) => {
          const cell = await runCell(stand, fault, point)
          task.meta.cell = cell
          check(cell)
        })
      }
    }
  }
}
