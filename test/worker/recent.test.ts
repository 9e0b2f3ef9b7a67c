import { expect, test } from 'vitest'
import { createRecent } from '../../packages/worker/src/recent.ts'

const MINUTE = 60_000

test('what is used is kept, and what nobody asked for in ten minutes is forgotten, and told of', () => {
  let time = 0
  const forgotten: string[] = []
  const recent = createRecent<string>(
    () => time,
    (value) => void forgotten.push(value),
  )
  recent.set('gone', 'a secret')
  recent.set('used', 'another')
  time = 9 * MINUTE
  expect(recent.get('used')).toBe('another')
  expect(recent.values()).toEqual(['a secret', 'another'])
  time = 10 * MINUTE
  expect(recent.get('used')).toBe('another')
  expect(forgotten).toEqual(['a secret'])
  expect(recent.get('gone')).toBeUndefined()
  expect(recent.values()).toEqual(['another'])
})
