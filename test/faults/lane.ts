import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type CellResult, expectedEnd, mostDuplicates, PROMISED_MS, runCell, startOver } from './cell.ts'
import { type Fault, POINTS, reasonToSkip } from './matrix.ts'
import { openStand, type Stand } from './stand.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** For the table. */
    cell?: CellResult
  }
}

const FULL = process.env['FAULTS'] === 'full'
const ROUNDS = FULL ? 5 : 1

/** Tests every cell of some faults, one after the other on one stand. */
export function testFaults(faults: readonly Fault[], options: { readonly proxied: boolean }): void {
  let stand: Stand
  beforeAll(async () => {
    stand = await openStand(options)
  }, 60_000)
  afterAll(() => stand?.close(), 30_000)
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await startOver(stand)
  }, 30_000)

  for (const fault of faults) {
    for (const point of POINTS.filter((each) => reasonToSkip(fault, each, { full: FULL }) === undefined)) {
      for (let round = 1; round <= ROUNDS; round++) {
        const again = round > 1 ? `, again (${round})` : ''
        test(`${fault}, ${point}: nothing is lost${again}`, async ({ task }) => {
          const cell = await runCell(stand, fault, point)
          task.meta.cell = cell
          check(cell)
        })
      }
    }
  }
}

function check(cell: CellResult): void {
  const { lost, altered, invented, deliveries, inflight, jobs, dead_workers, settled_twice } = cell
  expect({ lost, altered, invented, deliveries, inflight, jobs, dead_workers, settled_twice }).toEqual({
    lost: 0,
    altered: 0,
    invented: 0,
    deliveries: 0,
    inflight: 0,
    jobs: 0,
    dead_workers: 0,
    settled_twice: 0,
  })
  expect(cell.received).toBe(cell.committed)
  expect(cell.duplicates).toBeLessThanOrEqual(mostDuplicates(cell.fault))
  expect(cell.exits).toEqual([expectedEnd(cell.fault)].filter((end) => end !== undefined))
  expect(cell.doneAfterMs).toBeLessThan(PROMISED_MS)
  if (cell.fault === 'SIGSTOP beyond the TTL' && ['during the POST', 'after the 202'].includes(cell.point)) {
    expect(cell.rejectedSettles).toBeGreaterThan(0)
  }
}
