import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatDuration, formatSpan, parseDuration } from '../../../packages/worker/src/cli/duration.ts'

test.each([
  ['250ms', 250],
  ['0s', 0],
  ['10s', 10_000],
  ['5m', 300_000],
  ['72h', 259_200_000],
  ['3d', 259_200_000],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each(['', '10', 's', '1.5h', '-1s', '1 h', '1h30m', '1H', '99999999999s', '1w'])('%j is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined()
})

test.each([
  [-5, '0s'],
  [999, '0s'],
  [59_999, '59s'],
  [60_000, '1m'],
  [7_199_999, '1h'],
  [86_400_000, '1d'],
])('a span of %d ms is shown as %s', (ms, text) => {
  expect(formatSpan(ms)).toBe(text)
})

test('a duration that is written is read as the same, in the largest unit that has no rest', () => {
  fc.assert(fc.property(fc.nat(9_999_999_999), (ms) => parseDuration(formatDuration(ms)) === ms))
  expect([0, 1500, 90_000, 259_200_000].map(formatDuration)).toEqual(['0ms', '1500ms', '90s', '3d'])
})
