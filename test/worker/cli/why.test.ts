import { createHash } from 'node:crypto'
import type { Pool } from 'pg'
import { describe, expect } from 'vitest'
import { test } from '../../support/test.ts'
import { addDeliveries, addStream, addWorker, claim, dispatch, settle, tickets } from '../rows.ts'
import { runCommand, runJson } from './command.ts'

interface Facts extends Readonly<Record<string, unknown>> {
  readonly reason: string
  readonly earlier: readonly Readonly<Record<string, unknown>>[]
}

const time = expect.stringMatching(/^\d{4}-.+Z$/)

/** The facts, and the answer that a person reads. */
async function why(url: string, jti = ''): Promise<{ facts: Facts; answer: string }> {
  const facts = await runJson<Facts>(['why', jti], { DATABASE_URL: url })
  const { stdout } = await runCommand(['why', jti], { DATABASE_URL: url })
  return { facts, answer: stdout.slice(0, stdout.indexOf('\n\n')) }
}

/** Has a worker send all that is due and settles it. */
async function attempt(pool: Pool, outcome: Readonly<Record<string, unknown>>): Promise<void> {
  const worker = await addWorker(pool)
  await dispatch(pool)
  const out = await claim(pool, worker, await tickets(pool))
  await settle(
    pool,
    out.map((ticket) => ({ ticket, counts: true, duration_ms: 12, ...outcome })),
  )
}

describe('why names what became of a delivery:', () => {
  test('accepted, when and where, and the proof of it', async ({ database: { pool, url } }) => {
    await addStream(pool, { id: 'bank' })
    const [jti] = await addDeliveries(pool, 'bank')
    await attempt(pool, { next: 'retry', reason: 'timeout', delay_ms: 0 })
    await attempt(pool, { next: 'accepted', status: 202, connected_to: '192.0.2.7:443' })
    const { facts, answer } = await why(url, jti)
    expect(facts).toMatchObject({
      reason: 'accepted',
      since: time,
      status: 202,
      connected_to: '192.0.2.7:443',
      attempts: 2,
      kid: 'key-1',
      set_sha256: createHash('sha256').update('head.bank.1').digest('hex'),
      not_accepted: [{ attempt: 1, reason: 'timeout', worker: 'test' }],
    })
    expect(answer).toMatch(
      /^Accepted by bank at .+Z, with status 202 from 192\.0\.2\.7:443, at attempt 2\. The SHA-256 /,
    )
  })

  test('discarded, and why', async ({ database: { pool, url } }) => {
    await addStream(pool, { id: 'bank', status: 'disabled' })
    const [jti] = await addDeliveries(pool, 'bank')
    await pool.query('select risc.tidy()')
    const { facts, answer } = await why(url, jti)
    expect(facts).toMatchObject({ reason: 'discarded', because: 'stream_disabled', since: time })
    expect(answer).toContain(': its stream was disabled, and nothing is kept for a disabled stream.')
    for (const [reason, words] of [
      ['erased', ': the person it was about was erased.'],
      ['retention', ': it was a dead letter for as long as these are kept.'],
    ] as const) {
      await pool.query('update risc.history set reason = $1', [reason])
      expect((await why(url, jti)).answer).toContain(words)
    }
    await pool.query(`update risc.history set reason = 'sent by fax'`)
    expect((await why(url, jti)).answer).toContain(': an operator wrote "sent by fax".')
  })

  test("refused, with the receiver's err and description", async ({ database: { pool, url } }) => {
    await addStream(pool, { id: 'bank' })
    const [jti] = await addDeliveries(pool, 'bank')
    const refusal = { status: 400, reason: 'invalid_audience', description: 'not for us' }
    await attempt(pool, { next: 'dead', dead_because: 'refused', ...refusal })
    const { facts, answer } = await why(url, jti)
    expect(facts).toMatchObject({
      reason: 'refused',
      because: 'invalid_audience',
      status: 400,
      description: 'not for us',
    })
    expect(answer).toMatch(
      /^Refused by bank at .+Z with invalid_audience \(status 400\), saying "not for us": the same SET/,
    )
    expect(answer).toContain(`\nWhat to do: once the receiver takes it: risc-worker retry ${jti}`)
  })

  test('given up after its last attempt', async ({ database: { pool, url } }) => {
    await addStream(pool, { id: 'bank', retry_delays_ms: [] })
    const [jti] = await addDeliveries(pool, 'bank')
    await attempt(pool, { next: 'dead', dead_because: 'exhausted', status: 500, reason: 'server_error' })
    const { facts, answer } = await why(url, jti)
    expect(facts).toMatchObject({ reason: 'exhausted', because: 'server_error', attempts: 1, max_attempts: 1 })
    expect(answer).toMatch(
      /, after 1 of 1 attempts: the last came to server_error \(status 500\)\.\nWhat to do: .* retry /,
    )
  })

  test.for([
    ['ssf', 'max_age', 'older than its stream allows (--max-age)', 'risc-worker retry'],
    ['login.gov', 'exp', 'its SET says by exp that it is too old', 'the IdP may enqueue the event anew'],
  ])(
    'given up as too old, by the limit of a stream of %s',
    async ([profile = '', limit, words, advice], { database }) => {
      const { pool, url } = database
      await addStream(pool, { id: 'bank', profile, max_age: profile === 'ssf' ? '1 hour' : '72 hours' })
      const [jti] = await addDeliveries(pool, 'bank')
      await pool.query(`update risc.deliveries set created_at = now() - interval '13 hours'`)
      await addWorker(pool)
      const before = await why(url, jti)
      expect(before.facts).toMatchObject({ reason: 'too_old', because: limit, since: time })
      expect(before.answer).toMatch(/^Too old since .+, (for its stream|as its SET says).+: it is about to be given up/)
      await pool.query('select risc.tidy()')
      const { facts, answer } = await why(url, jti)
      expect(facts).toMatchObject({ reason: 'expired', because: limit, since: time })
      expect(answer).toContain(words)
      expect(answer).toContain(advice)
    },
  )
})

describe('why names who has a delivery:', () => {
  test('handed over and not taken up yet, in flight at a worker, or at one that is gone', async ({
    database: { pool, url },
  }) => {
    await addStream(pool, { id: 'bank' })
    const [jti] = await addDeliveries(pool, 'bank')
    const worker = await addWorker(pool)
    await dispatch(pool)
    const handedOver = await why(url, jti)
    expect(handedOver.facts).toMatchObject({ reason: 'handed_over', state: 'dispatched', since: time })
    expect(handedOver.answer).toMatch(/^Handed over to the workers at .+Z; none has taken it up yet\.$/)

    await claim(pool, worker, await tickets(pool))
    const inFlight = await why(url, jti)
    expect(inFlight.facts).toMatchObject({ reason: 'in_flight', worker: 'test', since: time, until: time })
    expect(inFlight.answer).toMatch(/^In flight: worker test took it up at .+Z, and bank may answer until .+Z\.$/)

    await pool.query(`update risc.workers set beat_at = now() - interval '16 seconds'`)
    const lost = await why(url, jti)
    expect(lost.facts).toMatchObject({ reason: 'worker_lost', since: time, workers: 0 })
    expect(lost.answer).toMatch(
      /^In flight at .+Z, by a worker that is gone: others .+ 30 seconds\. Besides, no worker is alive\./,
    )
  })
})

describe('why names what a delivery waits for:', () => {
  test('nothing: it is due and next in turn', async ({ database: { pool, url } }) => {
    await addStream(pool, { id: 'bank', max_in_flight: 3 })
    await addWorker(pool)
    const jtis = await addDeliveries(pool, 'bank', 3)
    for (const [ahead, jti] of jtis.entries()) {
      expect((await why(url, jti)).facts).toMatchObject({ reason: 'next', ahead })
    }
    expect((await why(url, jtis[0])).answer).toBe('Due, and next in turn: it is about to be handed over.')
  })

  test('those of its stream that are before it', async ({ database: { pool, url } }) => {
    await addStream(pool, { id: 'bank', max_in_flight: 2 })
    await addWorker(pool)
    const jtis = await addDeliveries(pool, 'bank', 5)
    const { facts, answer } = await why(url, jtis.at(-1))
    expect(facts).toMatchObject({ reason: 'behind', ahead: 4, held: 0 })
    expect(answer).toBe('Due, and behind 4 of its stream; 0 of the stream are in flight.')
  })

  test('a full window', async ({ database: { pool, url } }) => {
    await addStream(pool, { id: 'bank', max_in_flight: 2 })
    await addWorker(pool)
    const jtis = await addDeliveries(pool, 'bank', 4)
    await dispatch(pool)
    const { facts, answer } = await why(url, jtis.at(-1))
    expect(facts).toMatchObject({ reason: 'window_full', ahead: 1, held: 2, allowed: 2, max_in_flight: 2 })
    expect(answer).toBe('Due, and behind 1 of its stream: stream bank has 2 in flight and may have 2.')
  })

  test('a window that is small, as the receiver is new or in trouble', async ({ database: { pool, url } }) => {
    await addStream(pool, { id: 'bank', unproven: true })
    await addWorker(pool)
    const [, second] = await addDeliveries(pool, 'bank', 2)
    await dispatch(pool)
    const fresh = await why(url, second)
    expect(fresh.facts).toMatchObject({
      reason: 'window_full',
      because: 'unproven',
      held: 1,
      allowed: 1,
      max_in_flight: 50,
    })
    expect(fresh.answer).toMatch(
      /^Due, and first in line: stream bank has 1 in flight and may have 1 for now, 50 once /,
    )
    await pool.query('update risc.flow set failures = 1')
    const troubled = await why(url, second)
    expect(troubled.facts).toMatchObject({ reason: 'window_full', because: 'in_trouble' })
    expect(troubled.answer).toContain('may have 1 for now, as its receiver is in trouble, and 50 when that is over.')
  })

  test('the rate limit, and when there is room', async ({ database: { pool, url } }) => {
    await addStream(pool, { id: 'bank', rate_limit: 1, rate_interval: '1 hour' })
    await addWorker(pool)
    const [, second] = await addDeliveries(pool, 'bank', 2)
    await dispatch(pool)
    const { facts, answer } = await why(url, second)
    expect(facts).toMatchObject({ reason: 'rate_limit', until: time, ahead: 0 })
    expect(answer).toMatch(/^Due, and first in line: the rate limit of stream bank has room again at .+Z\.$/)
    const { rows } = await pool.query(`select $1::timestamptz - now() between '59 minutes' and '1 hour' as hour`, [
      facts['until'],
    ])
    expect(rows).toEqual([{ hour: true }])
  })

  test('the next attempt, where no access token was to be had', async ({ database: { pool, url } }) => {
    await addStream(pool, { id: 'bank' })
    const [jti] = await addDeliveries(pool, 'bank')
    const lacking = { reason: 'token_unavailable', description: 'certificate_expired', counts: false }
    await attempt(pool, { next: 'retry', delay_ms: 60_000, ...lacking })
    const { facts, answer } = await why(url, jti)
    expect(facts).toMatchObject({ reason: 'next_attempt', because: 'token_unavailable' })
    expect(answer).toContain('for attempt 1 of 5: the last came to token_unavailable (certificate_expired).')
  })

  test('the breaker, until when and why', async ({ database: { pool, url } }) => {
    await addStream(pool, { id: 'bank' })
    const [, second] = await addDeliveries(pool, 'bank', 2)
    await attempt(pool, { next: 'retry', reason: 'timeout', delay_ms: 0, waits_ms: 60_000 })
    const { facts, answer } = await why(url, second)
    expect(facts).toMatchObject({ reason: 'breaker_open', because: 'timeout', until: time })
    expect(answer).toMatch(
      /^Held back: stream bank is in trouble \(timeout\)\. Nothing is sent before .+Z, then one at a time/,
    )
    expect(answer).toContain('What to do: to probe at once: risc-worker stream resume bank')
  })

  test.for([
    ['authentication_failed', 'the credentials of the stream are right'],
    ['access_denied', 'the receiver grants access'],
    ['redirected', 'the address of the stream is right'],
    ['certificate_expired', 'the receiver has renewed its certificate'],
    ['certificate_not_yet_valid', 'the clock of the worker right'],
    ['certificate_wrong_name', 'a certificate for the name in the URL of the stream'],
    ['certificate_untrusted', 'from an authority that the stream trusts (--ca)'],
    ['client_certificate_required', 'a certificate to show (--client-certificate, --client-key)'],
    ['tls_version', 'the receiver speaks TLS 1.2 or later'],
    ['token_refused', 'the token endpoint takes the client and its secret'],
    ['token_unavailable', 'the token endpoint of the stream answers; the receiver has no part in it'],
    ['proxy_failed', 'our own proxy (RISC_HTTPS_PROXY) works; the receiver has no part in it'],
  ])('the breaker, and what has to be mended: %s', async ([because, words], { database: { pool, url } }) => {
    await addStream(pool, { id: 'bank' })
    await addWorker(pool)
    const [jti] = await addDeliveries(pool, 'bank')
    await pool.query(`update risc.flow set open_until = now() + interval '1 minute', open_because = $1`, [because])
    const { answer } = await why(url, jti)
    expect(answer).toContain('What to do: once ')
    expect(answer).toContain(words)
    expect(answer).toMatch(/: risc-worker stream resume bank$/)
  })

  test('the probe of a breaker, which is another delivery', async ({ database: { pool, url } }) => {
    await addStream(pool, { id: 'bank' })
    const [first, second] = await addDeliveries(pool, 'bank', 2)
    await addWorker(pool)
    await pool.query(`update risc.flow set open_until = now(), open_because = 'access_denied'`)
    expect((await why(url, first)).facts).toMatchObject({ reason: 'next' })
    expect((await why(url, second)).facts).toMatchObject({ reason: 'behind', ahead: 1 })
    await dispatch(pool)
    const { facts, answer } = await why(url, second)
    expect(facts).toMatchObject({ reason: 'breaker_open', because: 'access_denied', held: 1, ahead: 0 })
    expect(answer).toContain('What to do: once the receiver grants access: risc-worker stream resume bank')
  })

  test.for([
    [null, 'by an operator, who gave no reason', 'to let it go on'],
    ['contract review', 'by an operator: "contract review"', 'to let it go on'],
    [
      'receiver_gone',
      'because its receiver answered 410 (gone)',
      'first ask the receiver whether it wants SETs, and where; if elsewhere: risc-worker stream set bank --url <url>; then',
    ],
    [
      'url_not_allowed',
      'because its URL may not be pushed to',
      'first risc-worker stream set bank --url <url>, or --allow-port <port>; then',
    ],
    [
      'address_forbidden',
      'because its name leads to an address that is never pushed to, such as loopback',
      'first have its name lead elsewhere, or risc-worker stream set bank --url <url>; then',
    ],
    [
      'address_private',
      'because its name leads to a private address, in no network that it allows',
      'first risc-worker stream set bank --allow-network <network>, if it is to be reached there, or --url <url>; then',
    ],
    [
      'token_address_private',
      'because the name of its token endpoint leads to a private address, in no network that it allows',
      'first risc-worker stream set bank --allow-network <network>, if it is to be reached there, or --oauth-token-url <url>; then',
    ],
  ])('a paused stream, by whom and why: %s', async ([reason = null, words, first], { database: { pool, url } }) => {
    await addStream(pool, { id: 'bank' })
    await addWorker(pool)
    const [jti] = await addDeliveries(pool, 'bank')
    await pool.query(`update risc.streams set status = 'paused', status_reason = $1`, [reason])
    const { facts, answer } = await why(url, jti)
    expect(facts).toMatchObject({ reason: 'stream_paused', since: time, ...(reason !== null && { because: reason }) })
    expect(answer).toMatch(/^Held back: stream bank is paused since .+Z, /)
    expect(answer).toContain(`${words}.\nWhat to do: ${first}: risc-worker stream resume bank`)
  })

  test.for([
    ['pause', 'contract review', 'paused', 'by jane@host-1: "contract review"'],
    ['pause', undefined, 'paused', 'by jane@host-1, who gave no reason'],
    ['disable', 'contract ended', 'disabled', 'by jane@host-1: "contract ended"'],
  ] as const)(
    'who did it to a stream: %s %s',
    async ([command, reason, status, words], { database: { pool, url } }) => {
      await addStream(pool, { id: 'bank' })
      await addWorker(pool)
      const [jti] = await addDeliveries(pool, 'bank')
      const argv = ['stream', command, 'bank', ...(reason === undefined ? [] : ['--reason', reason])]
      await runJson(argv, { DATABASE_URL: url, USER: 'jane' })
      const { facts, answer } = await why(url, jti)
      expect(facts).toMatchObject({ reason: `stream_${status}`, changed_by: 'jane@host-1' })
      expect(answer).toContain(`${words}.`)
    },
  )

  test('a disabled stream', async ({ database: { pool, url } }) => {
    await addStream(pool, { id: 'bank', status: 'disabled' })
    await addWorker(pool)
    const [jti] = await addDeliveries(pool, 'bank')
    const { facts, answer } = await why(url, jti)
    expect(facts).toMatchObject({ reason: 'stream_disabled', since: time })
    expect(answer).toMatch(
      /^Nothing is sent: stream bank is disabled since .+Z, by an operator.+ It is about to be discarded\.$/,
    )
  })

  test('an earlier event of the same user, and what that one waits for', async ({ database: { pool, url } }) => {
    await addStream(pool, { id: 'bank' })
    const [first, second, third] = await addDeliveries(pool, 'bank', 3, 1)
    await attempt(pool, { next: 'retry', reason: 'server_error', status: 500, delay_ms: 600_000 })
    for (const jti of [second, third]) {
      const { facts, answer } = await why(url, jti)
      expect(facts).toMatchObject({
        reason: 'earlier_event',
        waits_for: first,
        earlier: [{ jti: first, reason: 'next_attempt' }],
      })
      const [waits, because, advice] = answer.split('\n')
      expect(waits).toBe(`Waits for ${first}, an earlier event about the same user: they are to arrive in order.`)
      expect(because).toMatch(
        new RegExp(`^${first}: Waits until .+Z for attempt 2 of 5: the last came to server_error`),
      )
      expect(advice).toBe(`What to do: not to wait: risc-worker retry ${first}`)
    }
  })

  test('its next attempt, after what, and when', async ({ database: { pool, url } }) => {
    await addStream(pool, { id: 'bank' })
    const [jti] = await addDeliveries(pool, 'bank')
    await attempt(pool, { next: 'retry', reason: 'rate_limited', status: 429, delay_ms: 600_000, counts: false })
    const { facts, answer } = await why(url, jti)
    expect(facts).toMatchObject({
      reason: 'next_attempt',
      because: 'rate_limited',
      status: 429,
      since: time,
      until: time,
      not_accepted: [{ attempt: 0, counted: false, reason: 'rate_limited' }],
    })
    expect(answer).toMatch(
      /^Waits until .+Z for attempt 1 of 5: the last came to rate_limited \(status 429\)\.\nWhat to do: /,
    )
  })

  test('its time, where it has none behind it', async ({ database: { pool, url } }) => {
    await addStream(pool, { id: 'bank' })
    await addWorker(pool)
    const [jti] = await addDeliveries(pool, 'bank')
    await pool.query(`update risc.deliveries set due_at = now() + interval '1 hour'`)
    const { facts, answer } = await why(url, jti)
    expect(facts).toMatchObject({ reason: 'next_attempt', until: time })
    expect(answer).toMatch(/^To be sent at .+Z\.\nWhat to do: not to wait: risc-worker retry /)
  })

  test('a worker, where none is alive', async ({ database: { pool, url } }) => {
    await addStream(pool, { id: 'bank' })
    const [jti] = await addDeliveries(pool, 'bank')
    await addWorker(pool, { silentFor: '16 s' })
    const { facts, answer } = await why(url, jti)
    expect(facts).toMatchObject({ reason: 'no_worker', workers: 0 })
    expect(answer).toBe('Nothing is sent: no worker is alive.\nWhat to do: on a delivering host: risc-worker run')
    await pool.query(`update risc.streams set status = 'paused'`)
    const { answer: paused } = await why(url, jti)
    expect(paused).toMatch(
      /^Held back.+ Besides, no worker is alive\.\nWhat to do: .+ resume bank; and on a delivering host: /,
    )
  })

  test('a slot, where the fleet has none left', async ({ database: { pool, url } }) => {
    await addWorker(pool, { slots: 4 })
    await addStream(pool, { id: 'busy' })
    await addStream(pool, { id: 'bank' })
    await addDeliveries(pool, 'busy', 10)
    while ((await dispatch(pool)) > 0);
    await addDeliveries(pool, 'busy', 10)
    await pool.query('update risc.workers set slots = 1')
    const [jti] = await addDeliveries(pool, 'bank')
    const { facts, answer } = await why(url, jti)
    expect(facts).toMatchObject({ reason: 'slots_taken', slots: 1, slots_held: expect.any(Number) })
    expect(answer).toMatch(
      /^Due: \d of the fleet's 1 slots are taken .+\nWhat to do: more workers, or a larger RISC_CONCURRENCY/,
    )
  })

  test('an earlier SET about the stream itself, which alone may be in flight', async ({ database: { pool, url } }) => {
    await addStream(pool, { id: 'bank', status: 'paused' })
    const [first, second] = await addDeliveries(pool, 'bank', 2)
    await pool.query(`update risc.deliveries set urgent = true, event_type = risc.stream_updated()`)
    await pool.query(`insert into risc.urgent select id, stream_id from risc.deliveries`)
    await addWorker(pool)
    expect((await why(url, first)).facts).toMatchObject({ reason: 'next' })
    expect((await why(url, second)).facts).toMatchObject({ reason: 'earlier_notice', waits_for: first })
    await dispatch(pool)
    const { facts, answer } = await why(url, second)
    expect(facts).toMatchObject({ reason: 'earlier_notice', earlier: [{ jti: first, reason: 'handed_over' }] })
    expect(answer).toContain(
      `Waits for ${first}, which is about stream bank itself too: such SETs are sent one at a time.`,
    )
  })
})

test('why counts no further than ten thousand', async ({ database: { pool, url } }) => {
  await addStream(pool, { id: 'bank' })
  await addWorker(pool)
  const jtis = await addDeliveries(pool, 'bank', 10_002)
  expect((await why(url, jtis.at(-2))).answer).toContain('behind 10000 of its stream')
  expect((await why(url, jtis.at(-1))).answer).toContain('behind more than 10000 of its stream')
})

test('of what is not known, why says how far back history reaches, and fails', async ({ database: { pool, url } }) => {
  const { rows } = await pool.query(`select to_char(now() at time zone 'UTC', 'YYYY-MM-DD') as today`)
  expect(await runCommand(['why', 'nobody'], { DATABASE_URL: url })).toEqual({
    code: 1,
    stdout: '',
    stderr: `risc-worker: there is no delivery nobody: none waits, none is dead, and history reaches back to ${rows[0].today}T00:00:00Z\n`,
  })
})

test('below the answer stand the delivery and its last ten attempts, and never the SET', async ({
  database: { pool, url },
}) => {
  await addStream(pool, { id: 'bank' })
  const [jti = ''] = await addDeliveries(pool, 'bank')
  for (let n = 0; n < 11; n++) {
    await attempt(pool, { next: 'retry', reason: 'timeout', counts: n > 0, delay_ms: 0, connected_to: '192.0.2.7:443' })
    await pool.query('update risc.flow set failures = 0')
  }
  const { stdout } = await runCommand(['why', jti], { DATABASE_URL: url })
  const [, delivery = '', attempts = ''] = stdout.split('\n\n')
  expect(delivery).toMatch(new RegExp(`^JTI .+ EXPIRES\n${jti} +bank +changed +queued +10 of 5 +\\S+Z +\\S+Z$`))
  expect(attempts.trim().split('\n')).toHaveLength(11)
  expect(attempts).toMatch(/^ATTEMPT.+\n1 +\S+Z +12ms +192\.0\.2\.7:443 +test +timeout\n/)
  const { stdout: json } = await runCommand(['why', jti, '--json'], { DATABASE_URL: url })
  expect(stdout + json).not.toContain('head.')
})

test('what a receiver or an operator wrote cannot steer the terminal', async ({ database: { pool, url } }) => {
  await addStream(pool, { id: 'bank' })
  const [jti = ''] = await addDeliveries(pool, 'bank')
  await attempt(pool, {
    next: 'dead',
    dead_because: 'refused',
    reason: 'refused',
    status: 400,
    description: '\u001b[2J\n',
  })
  const { stdout } = await runCommand(['why', jti], { DATABASE_URL: url })
  expect(stdout).toContain('saying "\ufffd[2J\ufffd"')
  expect(stdout).not.toContain('\u001b')
})
