import { expect, test } from 'vitest'
import { readRetryAfter } from '../../packages/worker/src/retry-after.ts'

const date = 'Thu, 01 Jan 2026 00:00:00 GMT'

test.each([
  ['0', 0],
  ['120', 120_000],
  [' 7 ', 7000],
  ['Thu, 01 Jan 2026 00:01:30 GMT', 90_000],
  ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
])('Retry-After: %s is %i ms from now', (header, ms) => {
  expect(readRetryAfter(header, date)).toBe(ms)
})

test.each(['999999999999999999999', 'Fri, 01 Jan 2100 00:00:00 GMT'])(
  'Retry-After: %s is capped at a day',
  (header) => {
    expect(readRetryAfter(header, date)).toBe(86_400_000)
  },
)

test.each([undefined, '', 'soon', '-5', '1.5', '1e3', '2026-01-01T00:01:00Z', 'tomorrow 1'])(
  'garbage (%s) falls back to the schedule',
  (header) => {
    expect(readRetryAfter(header, date)).toBeUndefined()
  },
)

test.each([undefined, 'noon'])('a date from a receiver whose own clock says %s falls back to the schedule', (date) => {
  expect(readRetryAfter('Thu, 01 Jan 2026 00:01:30 GMT', date)).toBeUndefined()
  expect(readRetryAfter('90', date)).toBe(90_000)
})
