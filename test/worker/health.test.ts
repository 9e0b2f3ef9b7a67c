import { expect, test } from 'vitest'
import { findObstacles, findStuckLoops, type Signs } from '../../packages/worker/src/health.ts'
import { createProgress, type LoopName } from '../../packages/worker/src/progress.ts'

const HOUR_MS = 3_600_000
const PULSE = { answeredForMs: HOUR_MS, schemaProblem: undefined, dispatchedMsAgo: 50 }
const WELL: Signs = { loops: loops(), pulse: PULSE, unfailingForMs: HOUR_MS, stopping: false }

function loops(overdue: Partial<Record<LoopName, number>> = {}): Signs['loops'] {
  const names: readonly LoopName[] = ['claim', 'dispatch', 'maintenance', 'tidying', 'heartbeat']
  return names.map((loop) => ({ loop, ageMs: 100 + (overdue[loop] ?? 0), overdueMs: overdue[loop] ?? 0 }))
}

test('a worker whose loops come round is live and ready', () => {
  expect(findStuckLoops(WELL)).toEqual([])
  expect(findObstacles(WELL)).toEqual([])
})

test('a claim loop that stands still for ten seconds is stuck, whatever else the worker asks in vain', () => {
  const signs = { ...WELL, loops: loops({ claim: 10_000 }) }
  expect(findStuckLoops(signs)).toEqual([{ loop: 'claim', for_seconds: 10 }])
  expect(findStuckLoops({ ...signs, unfailingForMs: 0 })).toEqual([{ loop: 'claim', for_seconds: 10 }])
})

test.each(['dispatch', 'maintenance', 'tidying', 'heartbeat'] as const)(
  'a frozen %s loop is stuck, but not one whose statement is asked again and again',
  (loop) => {
    const signs = { ...WELL, loops: loops({ [loop]: 21_000 }) }
    expect(findStuckLoops(signs)).toEqual([{ loop, for_seconds: 21 }])
    expect(findStuckLoops({ ...signs, unfailingForMs: 6000 })).toEqual([])
  },
)

test('nothing is stuck while the database is away, nor at once when it is back', () => {
  const signs = { ...WELL, loops: loops({ claim: HOUR_MS, dispatch: HOUR_MS, heartbeat: HOUR_MS }) }
  expect(findStuckLoops({ ...signs, pulse: { ...PULSE, answeredForMs: 0 } })).toEqual([])
  expect(findStuckLoops({ ...signs, pulse: { ...PULSE, answeredForMs: 8000 } })).toEqual([])
})

test('nothing is stuck in a worker that stops, and it is not ready', () => {
  const signs = { ...WELL, stopping: true, loops: loops({ claim: HOUR_MS }) }
  expect(findStuckLoops(signs)).toEqual([])
  expect(findObstacles(signs)).toEqual(['stopping'])
})

test.each<[string, Partial<Signs>]>([
  ['the database does not answer', { pulse: { ...PULSE, answeredForMs: 0 } }],
  ['the database is newer', { pulse: { ...PULSE, schemaProblem: 'the database is newer' } }],
  ['starting', { loops: [] }],
  ['no worker has dispatched yet', { pulse: { ...PULSE, dispatchedMsAgo: undefined } }],
  ['no worker has dispatched for 12.3 s', { pulse: { ...PULSE, dispatchedMsAgo: 12_345 } }],
])('a worker is not ready: %s', (obstacle, signs) => {
  expect(findObstacles({ ...WELL, ...signs })).toEqual([obstacle])
})

test('a loop makes progress by steps that succeed, and is not overdue in a pause that it asked for', async () => {
  const progress = createProgress()
  let fails = false
  const step = progress.track('dispatch', async () => {
    if (fails) throw new Error('permission denied')
    return HOUR_MS
  })
  expect(progress.read()[0]?.overdueMs).toBeGreaterThan(0)
  await step()
  expect(progress.read()).toEqual([{ loop: 'dispatch', ageMs: expect.any(Number), overdueMs: 0 }])
  fails = true
  const [before] = progress.read()
  await expect(step()).rejects.toThrow('permission denied')
  expect(progress.read()[0]?.ageMs).toBeGreaterThanOrEqual(before?.ageMs ?? Number.NaN)
})

test('a loop whose step never comes back stands still', () => {
  const progress = createProgress()
  void progress.track('heartbeat', () => new Promise(() => undefined))()
  const [frozen] = progress.read()
  expect(progress.read()[0]?.overdueMs).toBeGreaterThan(frozen?.overdueMs ?? Number.NaN)
})
