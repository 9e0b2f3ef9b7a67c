import { expect } from 'vitest'
import { test } from '../../support/test.ts'
import { addDeliveries, addStream, addWorker, dispatch } from '../rows.ts'
import { runCommand, runJson } from './command.ts'

test('stream show tells every setting by the name that stream set takes, and how the receiver does', async ({
  database: { pool, url },
}) => {
  const env = { DATABASE_URL: url }
  await addStream(pool, { id: 'partner-a', max_in_flight: 2, rate_limit: 1000, credential: 'Bearer hunter2' })
  await pool.query(
    `update risc.streams set events_requested = '{https://schemas.openid.net/secevent/risc/event-type/account-disabled,urn:own}'`,
  )
  await addWorker(pool)
  await addDeliveries(pool, 'partner-a', 3)
  await dispatch(pool)
  await pool.query(
    `update risc.flow set open_until = now() + interval '1 minute', open_because = 'timeout', slow = true`,
  )

  const { code, stdout, stderr } = await runCommand(['stream', 'show', 'partner-a'], env)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const lines = Object.fromEntries(stdout.split('\n').map((line) => line.split(/ {2,}/)))
  expect(lines).toMatchObject({
    SETTING: 'partner-a',
    url: 'https://partner.example/events',
    profile: 'ssf',
    audience: 'https://partner.example',
    events: 'account-disabled,urn:own',
    ordering: 'subject',
    'max-in-flight': '2',
    'rate-limit': '1000',
    'rate-interval': '1m',
    'timeout-ms': '3000',
    'retry-delays': '10s,1m,10m,1h',
    'max-age': '3d',
    authorization: 'set',
    status: expect.stringMatching(/^enabled since \d{4}-/),
    breaker: expect.stringMatching(/^open \(timeout\), next probe at \d{4}-/),
    'window earned': '2 of 2',
    answers: 'slow; 0 failed batches since the last',
    rate: 'has room',
    owed: '1 queued, 2 dispatched, 0 dead',
  })
  expect(stdout).not.toContain('hunter2')
})

test('stream show --json has the row, the flow and what is owed, and never the credential', async ({
  database: { pool, url },
}) => {
  await addStream(pool, { id: 'partner-a', unproven: true, rate_limit: 1, rate_interval: '1 day' })
  await pool.query(`update risc.streams set credential = 'file:hunter2.credential@'`)
  await addWorker(pool)
  await addDeliveries(pool, 'partner-a', 2)
  await dispatch(pool)
  const shown = await runJson(['stream', 'show', 'partner-a'], { DATABASE_URL: url })
  expect(shown).toMatchObject({
    stream: { id: 'partner-a', has_authorization: true, rate_limit: 1, rate_interval_seconds: 86_400 },
    flow: {
      window: 1,
      slow: false,
      failures: 0,
      breaker_open_until: null,
      breaker_open_because: null,
      breaker_closed_at: null,
      rate_room_at: expect.stringMatching(/Z$/),
    },
    owed: { queued: 1, dispatched: 1, dead: 0 },
  })
  expect(JSON.stringify(shown)).not.toContain('hunter2')
})
