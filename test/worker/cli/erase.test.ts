import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import type { Pool } from 'pg'
import { createOutbox } from 'risc-outbox'
import { describe, expect } from 'vitest'
import { issuer, keys } from '../../outbox/idp.ts'
import { until } from '../../support/until.ts'
import { anyEvent, anySubject } from '../arbitrary-event.ts'
import { addDeliveries, addStream, addWorker, dispatch } from '../rows.ts'
import { test } from '../started-worker.ts'
import { finished, runCommand, runJson, spawnCommand } from './command.ts'
import { commit, enqueue, erase, link, linkEverywhere, MARY, NOTHING, type Report, ZOE } from './erasing.ts'
import { everyColumn } from './every-column.ts'
import { eventsAbout } from './person.ts'
import { areStrangers } from './strangers.ts'

/** What is in every row that tells of Zoe, and in none that tells of Mary alone. */
const TRACES = /(?<!mary\.)zoeterwoude|2065557301(?!9)|db8::7301/i

describe('after it', () => {
  test('no column of any table holds the person, whatever the formats, events and states, and nobody else is touched', async ({
    database: { pool, url },
    receiver,
    start,
  }) => {
    const partner = await receiver(({ path, body }) => {
      if (path === '/accept') return { status: 202 }
      const claims = Buffer.from(body.split('.')[1] ?? '', 'base64url').toString()
      const description = `no such user: ${claims.slice(claims.indexOf('sub'))}`
      return {
        status: 400,
        body: JSON.stringify({ err: path === '/refuse' ? 'invalid_request' : 'invalid_key', description }),
      }
    })
    for (const format of Object.keys(ZOE.subjects)) await addStream(pool, { id: `${format}.paused`, status: 'paused' })
    for (const format of ['email', 'iss_sub', 'complex', 'aliases']) {
      for (const answer of ['accept', 'refuse', 'later']) {
        await addStream(pool, { id: `${format}.${answer}`, endpoint_url: `${partner.url}${answer}`, ordering: 'none' })
      }
    }
    for (const person of [MARY, ZOE]) await linkEverywhere(pool, person)
    await enqueue(pool, ...eventsAbout(ZOE), ...eventsAbout(MARY).slice(0, 5))
    await addStream(pool, { id: 'iss_sub.login.gov', profile: 'login.gov', status: 'paused' })
    for (const { user, subjects } of [MARY, ZOE]) {
      await link(pool, user, 'iss_sub.login.gov', subjects.iss_sub)
      await enqueue(pool, { type: 'account-disabled', user })
    }
    const worker = start({ concurrency: 100 })
    await until(() => allTried(pool), 'what can be accepted or refused to be')
    await worker.stop()
    const [others, traces] = partition(await everyColumn(pool))
    expect(traces.get('risc.subjects')).toHaveLength(25)
    expect(traces.get('risc.deliveries')?.length).toBeGreaterThan(400)

    const report = await runJson<Report>(erase({ format: 'email', email: ZOE.email.toUpperCase() }), {
      DATABASE_URL: url,
    })
    expect(report).toMatchObject({ users: 1, links: 25, claimed: 0, unreadable: 0 })
    const [othersAfter, tracesAfter] = partition(await everyColumn(pool))
    expect([...tracesAfter].filter(([, rows]) => rows.length > 0)).toEqual([])
    for (const table of ['risc.subjects', 'risc.deliveries', 'risc.streams', 'risc.flow']) {
      expect(othersAfter.get(table)).toEqual(others.get(table))
    }
    const { rows } = await pool.query(
      `select outcome, reason, count(*)::integer, min(length(set_sha256)) as hash from risc.history where reason is not null group by 1, 2`,
    )
    expect(rows).toEqual([
      { outcome: 'discarded', reason: 'erased', count: traces.get('risc.deliveries')?.length, hash: 32 },
    ])
  })

  /** Whatever can be accepted or refused has been, and of each other stream something waits for another attempt. */
  async function allTried(pool: Pool): Promise<true | undefined> {
    const { rows } = await pool.query(
      `select not exists (
         select from risc.deliveries where stream_id ~ 'accept|refuse' and state = 'queued'
       ) and not exists (
         select from risc.streams s where s.id ~ 'later' and not exists (
           select from risc.deliveries d where d.stream_id = s.id and d.last_reason = 'invalid_key')
       ) as all_tried`,
    )
    return rows[0].all_tried || undefined
  }

  /** The rows that tell nothing of Zoe, and those that do. */
  function partition(tables: ReadonlyMap<string, readonly string[]>) {
    const split = (traced: boolean) =>
      new Map([...tables].map(([table, rows]) => [table, rows.filter((row) => TRACES.test(row) === traced)]))
    return [split(false), split(true)] as const
  }
})

test('whatever subjects and events there are, all that is about one person goes, and nothing else', async ({
  database: { pool, url },
}) => {
  for (const id of ['a', 'b']) await addStream(pool, { id, status: 'paused' })
  const people = fc
    .uniqueArray(fc.record({ subject: anySubject, events: fc.array(anyEvent, { minLength: 1, maxLength: 3 }) }), {
      minLength: 2,
      maxLength: 6,
      selector: ({ subject }) => JSON.stringify(subject),
    })
    .filter((all) => areStrangers(all.map(({ subject }) => subject)))
  await fc.assert(
    fc.asyncProperty(people, fc.boolean(), async ([one, ...others], byUser) => {
      if (one === undefined) return
      await pool.query('delete from risc.subjects; delete from risc.deliveries')
      const enqueueAbout = async (user: string, { subject, events }: typeof one) => {
        for (const streamId of ['a', 'b']) await link(pool, user, streamId, subject)
        return enqueue(pool, ...events.map((event) => ({ ...event, user })))
      }
      const theirs = await enqueueAbout('one', one)
      const kept: string[] = []
      for (const [index, other] of others.entries()) kept.push(...(await enqueueAbout(`other-${index}`, other)))

      const report = await runJson(byUser ? ['erase', '--user', 'one'] : erase(one.subject), { DATABASE_URL: url })
      expect(report).toMatchObject({ users: 1, links: 2, queued: theirs.length, claimed: 0, unreadable: 0 })
      const { rows } = await pool.query('select jti from risc.deliveries order by id')
      expect(rows.map(({ jti }) => jti)).toEqual(kept)
      expect((await pool.query(`select from risc.subjects where user_id <> 'one'`)).rowCount).toBe(2 * others.length)
    }),
    { numRuns: 40 },
  )
})

describe('a person is found', () => {
  test.for(Object.entries(ZOE.subjects))(
    'by a subject of format %s, with all their other subjects',
    async ([, subject], { database: { pool, url } }) => {
      for (const format of Object.keys(ZOE.subjects))
        await addStream(pool, { id: `${format}.paused`, status: 'paused' })
      for (const person of [ZOE, MARY]) {
        await linkEverywhere(pool, person)
        await enqueue(pool, { type: 'account-purged', user: person.user })
      }
      expect(await runJson(erase(subject), { DATABASE_URL: url })).toEqual({
        ...NOTHING,
        dry_run: false,
        users: 1,
        links: 12,
        queued: 12,
      })
      expect((await pool.query('select count(*)::integer from risc.deliveries')).rows).toEqual([{ count: 12 }])
    },
  )

  test('by the IdP’s own identifier, also where the IdP looks recipients up itself and nobody is linked', async ({
    database: { pool, url },
  }) => {
    await addStream(pool, { id: 'a' })
    await addStream(pool, { id: 'b' })
    const own = createOutbox({
      issuer,
      keys,
      recipients: async () => ['a', 'b'].map((streamId) => ({ streamId, subject: { format: 'opaque', id: streamId } })),
    })
    await commit(pool, (trx) => own.enqueue(trx, { type: 'account-disabled', user: 'user-1' }))
    await commit(pool, (trx) => own.enqueue(trx, { type: 'account-disabled', user: 'user-2' }))
    const report = await runJson(['erase', '--user', 'user-1'], { DATABASE_URL: url })
    expect(report).toEqual({ ...NOTHING, dry_run: false, users: 1, queued: 2 })
    expect((await pool.query('select stream_id from risc.pending order by 1')).rows).toHaveLength(2)
  })

  test('by the user alone in what is encrypted; as long as some are about nobody who was found it fails', async ({
    database: { pool, url },
  }) => {
    const env = { DATABASE_URL: url }
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const jwk = { ...publicKey.export({ format: 'jwk' }), use: 'enc', alg: 'ECDH-ES' }
    await addStream(pool, { id: 'opaque.a', encryption_key: JSON.stringify(jwk) })
    for (const person of [ZOE, MARY]) {
      await linkEverywhere(pool, person)
      await enqueue(pool, { type: 'account-disabled', user: person.user })
    }
    const { code, stderr } = await runCommand([...erase(ZOE.subjects.email), '--dry-run'], env)
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "risc-worker: 2 SETs are encrypted and about no user who was found: --user finds a user's\n",
    })
    const result = await runCommand([...erase(ZOE.subjects.opaque), '--json'], env)
    expect(result.code).toBe(1)
    expect(JSON.parse(result.stdout)).toMatchObject({ queued: 1, encrypted: 1, unreadable: 0 })
    expect(await runJson(['erase', '--user', MARY.user], env)).toMatchObject({ queued: 1, encrypted: 0 })
    expect(await runCommand(erase(ZOE.subjects.opaque), env)).toMatchObject({ code: 0, stderr: '' })
  })

  test('in what is said of others, whose links are not theirs', async ({ database: { pool, url } }) => {
    await addStream(pool, { id: 'a' })
    await link(pool, 'user-2', 'a', MARY.subjects.opaque)
    await enqueue(
      pool,
      { type: 'urn:example:merged', user: 'user-2', claims: { with: { account: [{ ...ZOE.subjects.iss_sub }] } } },
      { type: 'urn:example:merged', user: 'user-2', claims: { with: 'Zoe <ZOETERWOUDE@example.com>' } },
      { type: 'urn:example:merged', user: 'user-2', claims: { with: { account: [{ ...MARY.subjects.iss_sub }] } } },
    )
    expect(await runJson(erase(ZOE.subjects.iss_sub), { DATABASE_URL: url })).toMatchObject({
      users: 0,
      links: 0,
      queued: 1,
    })
    expect(await runJson(erase(ZOE.subjects.email), { DATABASE_URL: url })).toMatchObject({
      users: 0,
      links: 0,
      queued: 1,
    })
    expect((await pool.query('select from risc.deliveries')).rowCount).toBe(1)
  })

  test('with one stream only, if one is named', async ({ database: { pool, url } }) => {
    for (const id of ['opaque.a', 'opaque.b']) await addStream(pool, { id, status: 'paused' })
    await linkEverywhere(pool, ZOE)
    await enqueue(pool, { type: 'account-disabled', user: 'user-1' })
    const report = await runJson([...erase(ZOE.subjects.opaque), '--stream', 'opaque.a'], { DATABASE_URL: url })
    expect(report).toMatchObject({ links: 1, queued: 1 })
    expect((await pool.query('select stream_id from risc.subjects')).rows).toEqual([{ stream_id: 'opaque.b' }])
    expect((await pool.query('select stream_id from risc.pending')).rows).toEqual([{ stream_id: 'opaque.b' }])
  })

  test('and nobody else by an opaque name that another receiver has for another', async ({
    database: { pool, url },
  }) => {
    for (const id of ['a', 'b']) await addStream(pool, { id, status: 'paused' })
    const name = { format: 'opaque', id: '42' } as const
    await link(pool, 'user-1', 'a', name)
    await link(pool, 'user-1', 'b', ZOE.subjects.email)
    await link(pool, 'user-2', 'b', name)
    await enqueue(pool, { type: 'account-disabled', user: 'user-1' }, { type: 'account-disabled', user: 'user-2' })
    expect(await runJson(erase(ZOE.subjects.email), { DATABASE_URL: url })).toMatchObject({
      users: 1,
      links: 2,
      queued: 2,
    })
    expect((await pool.query('select user_id from risc.subjects')).rows).toEqual([{ user_id: 'user-2' }])
    expect((await pool.query('select stream_id from risc.pending')).rows).toEqual([{ stream_id: 'b' }])
  })
})

test('what quotes the person is forgotten: of deliveries long accepted, of others’, and in reasons that operators gave', async ({
  database: { pool, url },
}) => {
  await addStream(pool, { id: 'a' })
  await link(pool, 'user-1', 'a', ZOE.subjects.opaque)
  await link(pool, 'user-2', 'a', MARY.subjects.opaque)
  await enqueue(pool, { type: 'account-disabled', user: 'user-2' })
  await pool.query(`update risc.deliveries set last_description = 'but ZOETERWOUDE-ID is disabled already'`)
  await pool.query(`update risc.streams set status_reason = 'zoeterwoude-id complains'`)
  for (const [day, description] of [
    ['now', 'no zoeterwoude-id'],
    ['yesterday', 'no maryhopkins-id'],
    ['2001-01-01', 'is it (Zoeterwoude-ID), or xzoeterwoude-id?'],
    ['2001-01-01', 'xzoeterwoude-id?'],
  ]) {
    await pool.query(
      `insert into risc.attempts (delivery_id, stream_id, jti, attempt, counted, probe, reason, description, duration_ms, ended_at)
       values (1, 'a', 'jti', 1, true, false, 'refused', $1, 1, $2)`,
      [description, day],
    )
  }
  await pool.query(
    `insert into risc.history (delivery_id, stream_id, jti, txn, event_type, kid, set_sha256, outcome, reason, attempts, created_at)
     values (1, 'a', 'j', 't', 'e', 'k', '', 'discarded', 'zoeterwoude-id asked for it', 0, now())`,
  )
  const expected = { ...NOTHING, users: 1, links: 1, descriptions: 5 }
  expect(await runJson([...erase(ZOE.subjects.opaque), '--dry-run'], { DATABASE_URL: url })).toEqual({
    ...expected,
    dry_run: true,
  })
  expect(await runJson(erase(ZOE.subjects.opaque), { DATABASE_URL: url })).toEqual({ ...expected, dry_run: false })
  const { rows } = await pool.query('select description from risc.attempts where description is not null order by 1')
  expect(rows).toEqual([{ description: 'no maryhopkins-id' }, { description: 'xzoeterwoude-id?' }])
  expect((await pool.query('select reason from risc.history')).rows).toEqual([{ reason: 'erased' }])
  expect((await pool.query('select last_description from risc.deliveries')).rows).toEqual([{ last_description: null }])
  expect((await pool.query('select status_reason from risc.streams')).rows).toEqual([{ status_reason: null }])
})

test('--dry-run changes nothing, and counts what then is erased; a second time there is nothing', async ({
  database: { pool, url },
}) => {
  const env = { DATABASE_URL: url }
  await addStream(pool, { id: 'opaque.paused', status: 'paused' })
  await addStream(pool, { id: 'email.enabled' })
  await addWorker(pool)
  await linkEverywhere(pool, ZOE)
  const [, jti] = await enqueue(pool, { type: 'account-disabled', user: 'user-1' })
  await enqueue(pool, { type: 'account-enabled', user: 'user-1' })
  await dispatch(pool)
  await pool.query(
    `update risc.deliveries set state = 'dead', dead_because = 'refused', dead_at = now() where jti = $1`,
    [jti],
  )
  const before = await everyColumn(pool)
  const counted = await runJson<Report>([...erase(ZOE.subjects.email), '--dry-run'], env)
  expect(counted).toEqual({ ...NOTHING, dry_run: true, users: 1, links: 2, queued: 2, dispatched: 1, dead: 1 })
  expect(await everyColumn(pool)).toEqual(before)
  expect(await runJson(erase(ZOE.subjects.email), env)).toEqual({ ...counted, dry_run: false })
  expect(await runJson(erase(ZOE.subjects.email), env)).toEqual({ ...NOTHING, dry_run: false, users: 0 })
})

test('a SET that cannot be decoded is left, counted, and fails the command: nobody knows whom it is about', async ({
  database: { pool, url },
}) => {
  await addStream(pool, { id: 'opaque.a' })
  await linkEverywhere(pool, ZOE)
  await addDeliveries(pool, 'opaque.a', 2)
  const { code, stdout, stderr } = await runCommand(erase(ZOE.subjects.opaque), { DATABASE_URL: url })
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'risc-worker: 2 SETs cannot be decoded, so nobody can tell whom they are about\n',
  })
  expect(stdout).toContain('1 links')
})

test('a link that is no subject identifier keeps nobody from being forgotten, and is found by what it says', async ({
  database: { pool, url },
}) => {
  for (const id of ['a', 'b', 'email.c']) await addStream(pool, { id })
  await linkEverywhere(pool, ZOE)
  await pool.query(
    `insert into risc.subjects (user_id, stream_id, subject)
     values ('user-3', 'a', '{"format": "aliases"}'), ('user-4', 'a', $1), ('user-1', 'b', '{"format": "complex", "user": 7}')`,
    [{ format: 'draft', was: { id: ZOE.email } }],
  )
  expect(await runJson(erase(ZOE.subjects.email), { DATABASE_URL: url })).toMatchObject({ users: 1, links: 3 })
  expect((await pool.query('select user_id from risc.subjects')).rows).toEqual([{ user_id: 'user-3' }])
})

describe('the name', () => {
  test('is read from stdin', async ({ database: { pool, url } }) => {
    await addStream(pool, { id: 'email.a' })
    await linkEverywhere(pool, ZOE)
    for (const [option, text] of [
      ['--subject', `${ZOE.email}\n`],
      ['--subject', `${JSON.stringify(ZOE.subjects.email, null, 2)}\n`],
      ['--user', 'user-1\r\n'],
    ] as const) {
      const { stdout } = await runCommand(
        ['erase', option, '-', '--dry-run'],
        { DATABASE_URL: url },
        { readStdin: async () => text },
      )
      expect(stdout).toMatch(/^would erase 1 users, 1 links/)
    }
  })

  test('is read from stdin, as a process too', async ({ database: { url } }) => {
    const child = spawnCommand(['erase', '--subject', '-'], { DATABASE_URL: url })
    expect(await finished(child)).toMatchObject({ code: 64, stderr: expect.stringContaining('--subject is neither') })
  })

  test.each([
    [],
    ['--subject', 'hunter2@x', '--user', 'hunter2'],
    ['--subject', 'hunter2'],
    ['--subject', ''],
    ['--subject', '{"format":"hunter2"}'],
    ['--subject', '{"format":"email","email":"hunter2"}'],
    ['--subject', '{"hunter2":'],
    ['--subjet=hunter2@example.com'],
    ['--wait', 'hunter2@example.com'],
    ['--user', ''],
    ['hunter2@example.com'],
  ])('is not repeated when it is misuse: %j', async (...argv) => {
    const { code, stdout, stderr } = await runCommand(['erase', ...argv], {
      DATABASE_URL: 'postgres://127.0.0.1:1/idp',
    })
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).not.toContain('hunter2')
  })

  test('is never in what it prints', async ({ database: { pool, url } }) => {
    await addStream(pool, { id: 'email.a' })
    await linkEverywhere(pool, ZOE)
    for (const env of [{ DATABASE_URL: url }, { DATABASE_URL: 'postgres://127.0.0.1:1/idp' }]) {
      const { stdout, stderr } = await runCommand(['erase', '--subject', ZOE.email, '--stream', 'nope'], env)
      expect(stdout + stderr).not.toContain('zoeterwoude')
    }
  })
})
