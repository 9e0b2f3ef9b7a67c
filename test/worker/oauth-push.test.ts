import { expect, test } from 'vitest'
import type { Answer } from '../../packages/worker/src/answer.ts'
import { pushWithToken } from '../../packages/worker/src/oauth-push.ts'

const UNAUTHORIZED = { kind: 'response', status: 401 } as const satisfies Answer
const REFUSED = { kind: 'token_refused', error: 'invalid_client' } as const satisfies Answer

/** Pushes to a receiver that takes nothing; tells what came of it, and how often it was pushed. */
async function push({
  stale = [] as readonly boolean[],
  renewal = 'token' as 'token' | 'token_refused',
  isFresh = false,
}) {
  let pushes = 0
  let asked = 0
  const checks = [...stale]
  const answer = await pushWithToken({
    getToken: async () => {
      if (++asked === 2 && renewal === 'token_refused') return REFUSED
      return { kind: 'token', token: `t${asked}`, isFresh, drop: () => undefined }
    },
    push: async () => {
      pushes++
      return UNAUTHORIZED
    },
    isStale: () => checks.shift() ?? false,
  })
  return { answer, pushes }
}

test('no push begins when the claim has become stale while a token was waited for: it is handed back', async () => {
  expect(await push({ stale: [true] })).toEqual({ answer: { kind: 'aborted' }, pushes: 0 })
})

test('no second push begins with a stale claim: what the receiver said to the first stands', async () => {
  expect(await push({ stale: [false, true] })).toEqual({ answer: UNAUTHORIZED, pushes: 1 })
})

test('a token that was got for this very push is not got again', async () => {
  expect(await push({ isFresh: true })).toEqual({ answer: UNAUTHORIZED, pushes: 1 })
})

test('the second push is the last, and needs a token', async () => {
  expect(await push({})).toEqual({ answer: UNAUTHORIZED, pushes: 2 })
  expect(await push({ renewal: 'token_refused' })).toEqual({ answer: REFUSED, pushes: 1 })
})
