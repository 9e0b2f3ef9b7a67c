import { expect, test } from 'vitest'
import { createAlarm } from '../../packages/worker/src/alarm.ts'

const NEVER_MS = 3_600_000

test('a pause ends when somebody rings, and no earlier ring ends a later one', async () => {
  const alarm = createAlarm()
  const { signal } = new AbortController()
  alarm.ring()
  const first = alarm.pause(NEVER_MS, signal)
  alarm.ring()
  await first
  let ended = false
  const second = alarm.pause(NEVER_MS, signal).then(() => {
    ended = true
  })
  await new Promise(setImmediate)
  expect(ended).toBe(false)
  alarm.ring()
  await second
})

test('a pause ends when its signal aborts, before it or within it', async () => {
  const alarm = createAlarm()
  const stopping = new AbortController()
  const pause = alarm.pause(NEVER_MS, stopping.signal)
  stopping.abort()
  await pause
  await alarm.pause(NEVER_MS, stopping.signal)
})
