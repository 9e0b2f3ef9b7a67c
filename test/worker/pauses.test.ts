import { expect, test } from 'vitest'
// Inside the package: pauses are no part of its interface.
import { pauseAfterRedrive } from '../../packages/worker/src/redrive.ts'
import { pauseAfterTidying } from '../../packages/worker/src/tidying.ts'

test('a turn that was dear is left alone for ten times as long', () => {
  expect(pauseAfterRedrive({ released: 5, skipped: 0, running: 1 }, { tookMs: 80, workers: 1, random: 0 })).toBe(800)
  expect(pauseAfterTidying(700, 1, 0)).toBe(7000)
})

test('an answer that never came puts neither redrives nor tidying off for longer than ten seconds', () => {
  expect(pauseAfterRedrive(undefined, { tookMs: 5000, workers: 2, random: 0.99 })).toBe(10_000)
  expect(pauseAfterTidying(10_000, 2, 0.99)).toBe(10_000)
})
