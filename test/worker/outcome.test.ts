import { describe, expect, test } from 'vitest'
import { judge } from '../../packages/worker/src/outcome.ts'

const answered = (status: number, more: object = {}) => judge({ kind: 'response', status, ...more })

describe('what an answer means', () => {
  test.each([200, 201, 202, 204, 299])('%i accepts the SET', (status) => {
    expect(answered(status)).toEqual({ kind: 'accepted', status })
  })

  test.each(['invalid_request', 'invalid_issuer', 'invalid_audience', 'invalid_state'])(
    '400 with %s refuses for good, with what the receiver said',
    (err) => {
      expect(answered(400, { refusal: { err, description: 'because' } })).toEqual({
        kind: 'refused',
        reason: err,
        status: 400,
        description: 'because',
      })
    },
  )

  test('400 with an unknown code, or without a readable body, refuses for good', () => {
    expect(answered(400, { refusal: { err: 'jwtParse' } })).toEqual({ kind: 'refused', reason: 'refused', status: 400 })
    expect(answered(400)).toEqual({ kind: 'refused', reason: 'refused', status: 400 })
  })

  test('400 with invalid_key is tried again, no sooner than the receiver can have fetched the key', () => {
    expect(answered(400, { refusal: { err: 'invalid_key' } })).toEqual({
      kind: 'retry',
      reason: 'invalid_key',
      status: 400,
      counts: true,
      notBeforeMs: 300_000,
    })
  })

  test.each([
    [401, undefined, 'authentication_failed'],
    [403, undefined, 'access_denied'],
    [400, { err: 'authentication_failed' }, 'authentication_failed'],
    [400, { err: 'access_denied' }, 'access_denied'],
  ])('%i %o is about the stream, not the SET: it is held and no attempt counted', (status, refusal, reason) => {
    expect(answered(status, refusal === undefined ? {} : { refusal })).toEqual({ kind: 'hold', reason, status })
  })

  test.each([301, 302, 303, 307, 308])('%i is never followed: the address is wrong', (status) => {
    expect(answered(status)).toEqual({ kind: 'hold', reason: 'redirected', status })
  })

  test.each([404, 405])('%i is tried again: a partner may be deploying', (status) => {
    expect(answered(status)).toEqual({ kind: 'retry', reason: 'not_found', status, counts: true })
  })

  test.each([402, 406, 409, 411, 413, 415, 422, 451])('%i refuses for good', (status) => {
    expect(answered(status)).toEqual({ kind: 'refused', reason: 'refused', status })
  })

  test('410 pauses the stream', () => {
    expect(answered(410)).toEqual({ kind: 'pause', reason: 'receiver_gone', status: 410 })
  })

  test.each([408, 425, 500, 502, 504, 599])('%i is tried again', (status) => {
    expect(answered(status)).toEqual({ kind: 'retry', reason: 'server_error', status, counts: true })
  })

  test.each([
    [429, 'rate_limited'],
    [503, 'server_error'],
  ])('%i counts as an attempt, unless Retry-After says when to come back', (status, reason) => {
    expect(answered(status)).toEqual({ kind: 'retry', reason, status, counts: true })
    expect(answered(status, { retryAfterMs: 7000 })).toEqual({
      kind: 'retry',
      reason,
      status,
      counts: false,
      notBeforeMs: 7000,
      waitsMs: 7000,
    })
  })

  test('no answer is tried again', () => {
    expect(judge({ kind: 'failure', failure: 'timeout' })).toEqual({ kind: 'retry', reason: 'timeout', counts: true })
  })

  test('a kept connection that was closed meanwhile costs no attempt, the first time', () => {
    const stale = { kind: 'failure', failure: 'stale_connection' } as const
    expect(judge(stale)).toMatchObject({ reason: 'stale_connection', counts: false })
    expect(judge(stale, 'timeout')).toMatchObject({ reason: 'stale_connection', counts: false })
    expect(judge(stale, 'stale_connection')).toMatchObject({ reason: 'connection_lost', counts: true })
  })

  test('a status that HTTP does not know is tried again', () => {
    expect(answered(999)).toMatchObject({ kind: 'retry', reason: 'unexpected_status' })
  })

  test.each(['url_not_allowed', 'address_forbidden', 'address_private'] as const)(
    'an endpoint that a rule keeps from being pushed to pauses the stream: %s',
    (rule) => {
      expect(judge({ kind: 'blocked', rule })).toEqual({ kind: 'pause', reason: rule })
    },
  )

  test('a token that is refused is about the stream: it is held, and no attempt counted', () => {
    expect(judge({ kind: 'token_refused', error: 'invalid_scope' })).toEqual({
      kind: 'hold',
      reason: 'token_refused',
      description: 'invalid_scope',
    })
  })

  test('a token that is not to be had now is waited for at no attempt, as long as its endpoint asks', () => {
    const waiting = { kind: 'retry', reason: 'token_unavailable', description: 'server_error', counts: false }
    expect(judge({ kind: 'token_unavailable', cause: 'server_error' })).toEqual(waiting)
    expect(judge({ kind: 'token_unavailable', cause: 'server_error', retryAfterMs: 7000 })).toEqual({
      ...waiting,
      notBeforeMs: 7000,
      waitsMs: 7000,
    })
  })

  test('a token endpoint that a rule keeps from being asked pauses the stream, and says which it is', () => {
    expect(judge({ kind: 'token_blocked', rule: 'address_forbidden' })).toEqual({
      kind: 'pause',
      reason: 'token_address_forbidden',
    })
  })

  test('what our own proxy does costs no attempt', () => {
    expect(judge({ kind: 'failure', failure: 'proxy_failed' })).toEqual({
      kind: 'retry',
      reason: 'proxy_failed',
      counts: false,
    })
  })
})
