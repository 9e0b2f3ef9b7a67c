import { expect } from 'vitest'
import { test } from '../../support/test.ts'
import { addDeliveries, addStream, addWorker, claim, dispatch, settle, tickets } from '../rows.ts'
import { finished, runCommand, runJson, spawnCommand } from './command.ts'

interface Status {
  readonly streams: readonly Readonly<Record<string, unknown>>[]
  readonly totals: Readonly<Record<string, number>>
}

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

  const time = expect.stringMatching(/Z$/)
  expect(await runJson(['status'], { DATABASE_URL: url })).toEqual({
    at: time,
    counted_at: time,
    streams: [
      {
        stream_id: 'a',
        profile: 'ssf',
        status: 'enabled',
        status_reason: null,
        status_changed_at: time,
        breaker_open_until: null,
        breaker_open_because: null,
        queued: 1,
        dispatched: 2,
        window_earned: 2,
        max_in_flight: 2,
        dead: 0,
        oldest_due_at: time,
        lag_seconds: expect.any(Number),
        accepted_per_second: 0,
        accepted_last_minute: 0,
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
        started_at: time,
        beat_at: time,
        beat_age_seconds: expect.any(Number),
      },
    ],
    totals: {
      streams: 2,
      queued: 1,
      dispatched: 2,
      dead: 1,
      accepted_per_second: 0,
      accepted_last_minute: 0,
      workers: 1,
      slots: 100,
    },
  })

  const { code, stdout, stderr } = await finished(spawnCommand(['status'], { DATABASE_URL: url }))
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(
    new RegExp(
      [
        '^STREAM  STATUS         QUEUED  WINDOW  DEAD  LAG  LAST MINUTE',
        'b       paused \\(gone\\)       0  0/50       1  0s             0',
        'a       enabled             1  2/2        0 +\\d+s +0',
        '',
        'WORKER  SLOTS  IN FLIGHT  LAST BEAT',
        'test      100          1 +\\d+s ago',
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

test('status and risc.stream_health agree, whatever a stream has', async ({ database }) => {
  const { pool, url } = database
  for (const id of ['empty', 'due', 'later', 'dead', 'held']) await addStream(pool, { id, max_in_flight: 3 })
  for (const id of ['due', 'later', 'dead', 'held']) await addDeliveries(pool, id, 5)
  await pool.query(`update risc.deliveries set due_at = now() + interval '1 hour' where stream_id = 'later'`)
  await pool.query(
    `update risc.deliveries set state = 'dead', dead_because = 'refused', dead_at = now() where stream_id = 'dead'`,
  )
  await addWorker(pool)
  await dispatch(pool)
  await pool.query(
    `update risc.flow set open_until = now(), open_because = 'timeout', ramp = 1 where stream_id = 'held'`,
  )
  await pool.query('update risc.survey set from_marks = true')
  const { rows } = await pool.query('select * from risc.stream_health order by stream_id')
  const { streams } = await runJson<Status>(['status'], { DATABASE_URL: url })
  const shared = streams.map((stream) => Object.keys(stream).filter((key) => key in rows[0]))
  expect(
    streams.map((stream, place) => Object.fromEntries((shared[place] ?? []).map((key) => [key, stream[key]]))),
  ).toEqual(
    rows.map((row, place) =>
      Object.fromEntries(
        (shared[place] ?? []).map((key) => [
          key,
          ['queued', 'dispatched', 'dead'].includes(key) ? Number(row[key]) : JSON.parse(JSON.stringify(row[key])),
        ]),
      ),
    ),
  )
})

test('what was accepted in the last minute is counted, and nothing older or discarded', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'a' })
  await addDeliveries(pool, 'a', 5)
  const worker = await addWorker(pool)
  await dispatch(pool)
  const claimed = await claim(pool, worker, await tickets(pool))
  await settle(
    pool,
    claimed.map((ticket) => ({ ticket, next: 'accepted', counts: true, status: 202, duration_ms: 1 })),
  )
  await pool.query(
    `update risc.history h set settled_at = now() - make_interval(secs => a.age),
       outcome = case a.age when 30 then 'discarded' else 'accepted' end, reason = case a.age when 30 then 'test' end
     from (select jti, row_number() over (order by jti) as place from risc.history) p
     join unnest('{10,20,30,70,300}'::integer[]) with ordinality a (age, place) on a.place = p.place where p.jti = h.jti`,
  )
  const { streams, totals } = await runJson<Status>(['status'], { DATABASE_URL: url })
  expect(streams).toMatchObject([{ accepted_last_minute: 2, accepted_per_second: 0 }])
  expect(totals).toMatchObject({ accepted_last_minute: 2 })
})

test('a look reads of history what is new and of the queue nothing, before their first analyze too', async ({
  database,
}) => {
  const { pool } = database
  await addStream(pool, { id: 'a' })
  await addDeliveries(pool, 'a', 20_000)
  await pool.query(
    `insert into risc.history (delivery_id, stream_id, jti, txn, event_type, kid, set_sha256, outcome, attempts, created_at, settled_at)
     select n, 'a', n::text, 'txn-1', 'event', 'key-1', '', 'accepted', 1, now(), now() - n * interval '1 second' from generate_series(1, 20000) n`,
  )
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query(`select risc.accepted_by_second(now() - interval '1 minute'), risc.stream_state()`)
    const { rows } = await client.query(
      `select sum(seq_tup_read)::integer as read_through, sum(idx_tup_fetch)::integer as found from pg_stat_xact_user_tables
       where relname ~ '^(history|deliveries)'`,
    )
    expect(rows).toEqual([{ read_through: 0, found: expect.any(Number) }])
    expect(rows[0].found).toBeLessThan(200)
  } finally {
    await client.query('rollback')
    client.release()
  }
})

test('on a terminal that is too low what is well is only counted, what is in trouble never', async ({ database }) => {
  const { pool, url } = database
  for (let n = 0; n < 200; n++) await addStream(pool, { id: `stream-${n}` })
  await pool.query(
    `update risc.flow set open_until = now(), open_because = 'timeout' where stream_id in ('stream-7', 'stream-77')`,
  )
  await pool.query(`update risc.streams set status = 'disabled' where id = 'stream-150'`)
  const stdout: string[] = []
  const out = { isTTY: true, columns: 80, rows: 14, write: (text: string) => stdout.push(text) }
  const env = { DATABASE_URL: url, NO_COLOR: '1' }
  await runCommand(['status'], env, { stdout: out })
  const lines = stdout.join('').split('\n')
  expect(lines.length).toBeLessThanOrEqual(14)
  expect(lines.filter((line) => line.includes('held (timeout)')).map((line) => line.split(' ')[0])).toEqual([
    'stream-7',
    'stream-77',
  ])
  expect(lines).toContain('… 193 more: 192 well, 1 disabled; --all shows them')

  stdout.length = 0
  await runCommand(['status', '--all'], env, { stdout: out })
  expect(
    stdout
      .join('')
      .split('\n')
      .filter((line) => line.startsWith('stream-')),
  ).toHaveLength(200)
  const piped = await runCommand(['status'], env)
  expect(piped.stdout.split('\n').filter((line) => line.startsWith('stream-'))).toHaveLength(200)
})

test.each([
  [['--interval', '5s'], '--interval goes with --watch'],
  [['--watch', '--interval', '10ms'], '--interval must be at least 100ms'],
  [['--watch', '--all', '--json'], '--all'],
  [['--watch'], '--watch needs a terminal; --watch --json prints a line each time'],
])('status %j is misuse', async (argv, problem) => {
  const { code, stdout, stderr } = await runCommand(['status', ...argv], { DATABASE_URL: 'postgres://127.0.0.1:1/idp' })
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
  expect(stderr).toContain(problem)
})
