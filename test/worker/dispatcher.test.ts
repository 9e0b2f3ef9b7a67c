import { expect, test } from 'vitest'
import type { Pass } from '../../packages/worker/src/dispatch.ts'
import { createDispatcher, type Dispatcher } from '../../packages/worker/src/dispatcher.ts'

const NEVER_MS = 3_600_000
const SLOTS = 80
const FOUND: Pass = { handed: 50, took_ms: 3 }
const NOTHING: Pass = { handed: 0, took_ms: 1 }
const { signal } = new AbortController()

/** The dispatcher of a worker of 80 slots whose passes, one after the other, are answered so; an error is thrown. */
function dispatcherOf(...answers: (Pass | undefined | Error)[]): Dispatcher {
  return createDispatcher({
    ledger: {
      async ask<Row>() {
        const answer = answers.shift()
        if (answer instanceof Error) throw answer
        return (answer === undefined ? [] : [answer]) as Row[]
      },
    },
    slots: SLOTS,
    stopping: signal,
    onPass: () => undefined,
  })
}

function finish(dispatcher: Dispatcher, deliveries: number): void {
  for (let done = 0; done < deliveries; done++) dispatcher.noteDone()
}

/** Whether the wait for the next turn ends when so many more deliveries are done. */
async function goesOnAfter(dispatcher: Dispatcher, deliveries: number): Promise<boolean> {
  let ended = false
  const over = new AbortController()
  const wait = dispatcher.wait.pause(NEVER_MS, over.signal).then(() => {
    ended = true
  })
  finish(dispatcher, deliveries)
  await new Promise(setImmediate)
  const went = ended
  over.abort()
  await wait
  return went
}

test('the next turn comes as soon as a quarter of the slots is done, if the last one found something', async () => {
  const dispatcher = dispatcherOf(FOUND)
  expect(await dispatcher.takeTurn(1)).toBeGreaterThan(0)
  expect(await goesOnAfter(dispatcher, 19)).toBe(false)
  expect(await goesOnAfter(dispatcher, 1)).toBe(true)
})

test('a turn during which that was done is followed by another at once', async () => {
  const dispatcher = dispatcherOf(FOUND)
  const turn = dispatcher.takeTurn(1)
  finish(dispatcher, 20)
  expect(await turn).toBe(0)
})

test('in a fleet of many small workers each waits until more is done', async () => {
  const dispatcher = dispatcherOf(FOUND)
  await dispatcher.takeTurn(8)
  expect(await goesOnAfter(dispatcher, 79)).toBe(false)
  expect(await goesOnAfter(dispatcher, 1)).toBe(true)
})

test.each([
  ['found nothing', NOTHING],
  ['was dear', { handed: 50, took_ms: 100 }],
])('after a turn that %s, what gets done changes nothing', async (_, pass) => {
  const dispatcher = dispatcherOf(FOUND, pass)
  await dispatcher.takeTurn(1)
  await dispatcher.takeTurn(1)
  expect(await goesOnAfter(dispatcher, SLOTS)).toBe(false)
})

test('after a turn that was another worker’s, the last pass decides', async () => {
  const dispatcher = dispatcherOf(FOUND, undefined)
  await dispatcher.takeTurn(1)
  await dispatcher.takeTurn(1)
  expect(await goesOnAfter(dispatcher, 20)).toBe(true)
})

test('after a turn that failed, what gets done changes nothing', async () => {
  const dispatcher = dispatcherOf(FOUND, new Error('no answer'))
  await dispatcher.takeTurn(1)
  await expect(dispatcher.takeTurn(1)).rejects.toThrow('no answer')
  expect(await goesOnAfter(dispatcher, SLOTS)).toBe(false)
})

test('tells how long ago its last pass was', async () => {
  const dispatcher = dispatcherOf(undefined, FOUND)
  await dispatcher.takeTurn(1)
  expect(dispatcher.passedMsAgo()).toBeUndefined()
  await dispatcher.takeTurn(1)
  expect(dispatcher.passedMsAgo()).toBeGreaterThanOrEqual(0)
})
