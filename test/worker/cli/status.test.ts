import { expect } from 'vitest'
import { test } from '../../support/test.ts'
import { addDeliveries, addStream, addWorker, dispatch, tickets } from '../rows.ts'
import { finished, runCommand, runJson, spawnCommand } from './command.ts'

test('status tells of each stream what waits, of each live worker what it holds, and totals', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a', max_in_flight: 2 })
  await addStream(pool, { id: 'b' })
  await addDeliveries(pool, 'a', 3)
  const worker = await addWorker(pool, { slots: 100 })
  await addWorker(pool, { slots: 7, silentFor: '1 minute' })
  await dispatch(pool)
  await pool.query('select risc.claim($1, $2)', [worker, (await tickets(pool)).slice(0, 1)])
  await pool.query(`update risc.streams set status = 'paused', status_reason = 'gone' where id = 'b'`)
  await addDeliveries(pool, 'b', 1)
  await pool.query(
    `update risc.deliveries set state = 'dead', dead_because = 'refused', dead_at = now() where stream_id = 'b'`,
  )

  expect(await runJson(['status'], { DATABASE_URL: url })).toEqual({
    streams: [
      {
        stream_id: 'a',
        profile: 'ssf',
        status: 'enabled',
        status_reason: null,
        status_changed_at: expect.stringMatching(/Z$/),
        breaker_open_until: null,
        breaker_open_because: null,
        queued: 1,
        dispatched: 2,
        window_earned: 2,
        max_in_flight: 2,
        rate_room_at: expect.stringMatching(/Z$/),
        dead: 0,
        oldest_due_at: expect.stringMatching(/Z$/),
        lag_seconds: expect.any(Number),
      },
      expect.objectContaining({
        stream_id: 'b',
        status: 'paused',
        status_reason: 'gone',
        queued: 0,
        dead: 1,
        lag_seconds: 0,
      }),
    ],
    workers: [
      {
        id: worker,
        name: 'test',
        slots: 100,
        in_flight: 1,
        started_at: expect.stringMatching(/Z$/),
        beat_at: expect.stringMatching(/Z$/),
        beat_age_seconds: expect.any(Number),
      },
    ],
    totals: { streams: 2, queued: 1, dispatched: 2, dead: 1, workers: 1, slots: 100 },
  })

  const { code, stdout, stderr } = await finished(spawnCommand(['status'], { DATABASE_URL: url }))
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(
    new RegExp(
      [
        '^STREAM  STATUS         QUEUED  DISPATCHED  WINDOW  DEAD  LAG',
        'a       enabled             1           2       2     0  \\ds',
        'b       paused \\(gone\\)       0           0      50     1  0s',
        '',
        'WORKER  SLOTS  IN FLIGHT  LAST BEAT',
        'test      100          1  \\ds ago',
        '',
        '1 queued, 2 dispatched, 1 dead; 100 slots in all',
        '$',
      ].join('\n'),
    ),
  )
})

test('an outbox that is new says what to do next, on stderr', async ({ database }) => {
  const { code, stdout, stderr } = await runCommand(['status'], { DATABASE_URL: database.url })
  expect({ code, stdout }).toEqual({ code: 0, stdout: '0 queued, 0 dispatched, 0 dead; 0 slots in all\n' })
  expect(stderr).toMatch(/stream add`\n.+risc-worker run`\n$/)
})
