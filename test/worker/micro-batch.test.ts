import { expect, test } from 'vitest'
import { microBatch } from '../../packages/worker/src/micro-batch.ts'

test('what arrives at one moment is one batch, answered item by item', async () => {
  const batches: (readonly number[])[] = []
  const double = microBatch(
    async (items: readonly number[]) => {
      batches.push(items)
      return items.map((item) => item * 2)
    },
    { size: 3, lanes: 2 },
  )
  expect(await Promise.all([1, 2, 3, 4].map(double))).toEqual([2, 4, 6, 8])
  expect(batches).toEqual([[1, 2, 3], [4]])
})

test('no more batches than lanes are under way; what waits travels together', async () => {
  const gates: (() => void)[] = []
  const batches: (readonly number[])[] = []
  const slow = microBatch(
    async (items: readonly number[]) => {
      batches.push(items)
      await new Promise<void>((resolve) => gates.push(resolve))
      return items
    },
    { size: 10, lanes: 1 },
  )
  const first = slow(1)
  await new Promise(setImmediate)
  const others = [slow(2), slow(3)]
  await new Promise(setImmediate)
  expect(batches).toEqual([[1]])
  gates.shift()?.()
  await first
  while (gates.length === 0) await new Promise(setImmediate)
  gates.shift()?.()
  expect(await Promise.all(others)).toEqual([2, 3])
  expect(batches).toEqual([[1], [2, 3]])
})

test('an item that cannot be answered spoils no other of its batch', async () => {
  const run = microBatch(
    async (items: readonly number[]) => {
      if (items.includes(1)) throw new Error('no')
      return items
    },
    { size: 10, lanes: 1 },
  )
  const [bad, good] = await Promise.allSettled([run(1), run(2)])
  expect(bad.status).toBe('rejected')
  expect(good).toEqual({ status: 'fulfilled', value: 2 })
})
