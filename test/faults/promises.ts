import { expect } from 'vitest'
import type { CellResult } from './cell.ts'
import { SLOTS, WORKERS } from './fleet.ts'
import type { Fault } from './matrix.ts'

/** What is promised of recovery, from the end of the fault. */
export const PROMISED_MS = 30_000

/** Fails unless a cell came to what is promised. */
export function check(cell: CellResult): void {
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
  expect(cell.doneAfterMs - cell.lateMs).toBeLessThan(PROMISED_MS)
  if (cell.fault === 'SIGSTOP beyond the TTL' && ['during the POST', 'after the 202'].includes(cell.point)) {
    expect(cell.rejectedSettles).toBeGreaterThan(0)
  }
}

/** How many SETs may come twice: what the workers that were hit had in their hands, which may be more than their share. */
function mostDuplicates(fault: Fault): number {
  return fault === 'SIGTERM' ? 0 : WORKERS * SLOTS
}

/** How the victim has to end; `undefined` if it has to live on. */
function expectedEnd(fault: Fault): string | undefined {
  switch (fault) {
    case 'kill -9':
      return 'SIGKILL'
    case 'SIGTERM':
      return '0'
    case 'second SIGTERM':
      return '1'
    default:
      return undefined
  }
}
