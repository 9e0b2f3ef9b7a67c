import { decodeJwt } from 'jose'
import { Kysely, PostgresDialect } from 'kysely'
import type { PoolClient } from 'pg'
import type { QueryableTransaction, StreamStatus } from 'risc-outbox'
import { publicJwks, verifySet } from 'risc-set'
import { expect } from 'vitest'
import { until } from '../support/until.ts'
import { type Idp, issuer, keys, test } from './idp.ts'

const SSF = 'https://schemas.openid.net/secevent/ssf/event-type'
const none = { query: () => Promise.reject(new Error('was asked')) }

function setStatus(idp: Idp, streamId: string, status: StreamStatus, reason?: string) {
  const change = { streamId, status, ...(reason !== undefined && { reason }) }
  return idp.transaction((trx) => idp.outbox.setStreamStatus(trx, change))
}

async function stream(idp: Idp, id: string) {
  const { rows } = await idp.pool.query(
    'select status, status_reason, status_changed_at > created_at as moved from risc.streams where id = $1',
    [id],
  )
  return rows[0]
}

/** A client that counts what it is asked. */
function counting(client: PoolClient): { trx: QueryableTransaction; count: () => number } {
  let count = 0
  return {
    count: () => count,
    trx: {
      query(text, values) {
        count += 1
        return client.query(text, values)
      },
    },
  }
}

test('a change of status commits with the SET that tells the receiver, whatever events it asked for', async ({
  idp,
}) => {
  await idp.addStream('a', { events: ['https://receiver.example/no-other'] })
  const { changed, jti } = await setStatus(idp, 'a', 'paused', 'maintenance')

  expect(changed).toBe(true)
  expect(await stream(idp, 'a')).toEqual({ status: 'paused', status_reason: 'maintenance', moved: true })
  const { rows } = await idp.pool.query('select * from risc.deliveries')
  expect(rows).toMatchObject([
    { stream_id: 'a', jti, urgent: true, order_key: null, event_type: `${SSF}/stream-updated`, kid: keys.active.kid },
  ])
  const set = await verifySet(rows[0].signed_set, { issuer, audience: 'a', jwks: publicJwks(keys) })
  expect(set.jti).toBe(jti)
  expect(decodeJwt(rows[0].signed_set)).toMatchObject({
    sub_id: { format: 'opaque', id: 'a' },
    txn: expect.any(String),
    events: { [`${SSF}/stream-updated`]: { status: 'paused', reason: 'maintenance' } },
  })
})

test('a reason is kept for as long as the stream is held back', async ({ idp }) => {
  await idp.addStream('a')
  await idp.pool.query(`update risc.streams set status = 'paused', status_reason = 'receiver_gone'`)
  expect(await setStatus(idp, 'a', 'enabled', 'moved')).toMatchObject({ changed: true })
  expect(await stream(idp, 'a')).toMatchObject({ status: 'enabled', status_reason: null })
  await setStatus(idp, 'a', 'disabled')
  expect(await stream(idp, 'a')).toMatchObject({ status: 'disabled', status_reason: null })
  expect((await idp.payloads()).map(({ events }) => events)).toEqual([
    { [`${SSF}/stream-updated`]: { status: 'enabled', reason: 'moved' } },
    { [`${SSF}/stream-updated`]: { status: 'disabled' } },
  ])
})

test('nothing is recorded when the status is that already', async ({ idp }) => {
  await idp.addStream('a', { status: 'paused' })
  await idp.pool.query(`update risc.streams set status_reason = 'receiver_gone'`)
  expect(await setStatus(idp, 'a', 'paused', 'again')).toEqual({ changed: false })
  expect(await stream(idp, 'a')).toMatchObject({ status: 'paused', status_reason: 'receiver_gone' })
  expect(await idp.deliveries()).toEqual([])
})

test('of two who pause a stream at the same time one tells the receiver, and it is not verified after that', async ({
  idp,
}) => {
  await idp.addStream('a')
  const { rival, verification } = await idp.transaction(async (trx) => {
    await idp.outbox.setStreamStatus(trx, { streamId: 'a', status: 'paused' })
    const rival = setStatus(idp, 'a', 'paused')
    const verification = idp.transaction((other) => idp.outbox.verifyStream(other, { streamId: 'a' })).catch((e) => e)
    await until(async () => {
      const { rows } = await idp.pool.query(`select count(*)::integer as waiting from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`)
      return rows[0].waiting === 2 || undefined
    }, 'both to wait for the lock')
    return { rival, verification }
  })
  expect(await rival).toEqual({ changed: false })
  expect(await verification).toMatchObject({ code: 'ERR_RISC_STREAM_NOT_ENABLED' })
  expect(await idp.deliveries()).toHaveLength(1)
})

test('a stream of profile login.gov changes without a SET, which it has no event for', async ({ idp }) => {
  await idp.addStream('agency', { profile: 'login.gov' })
  expect(await setStatus(idp, 'agency', 'paused', 'maintenance')).toEqual({ changed: true })
  expect(await stream(idp, 'agency')).toMatchObject({ status: 'paused', status_reason: 'maintenance' })
  expect(await idp.deliveries()).toEqual([])
})

test('verification echoes the state that was asked with, and has none where nobody asked', async ({ idp }) => {
  await idp.addStream('a', { events: [] })
  const asked = await idp.transaction((trx) => idp.outbox.verifyStream(trx, { streamId: 'a', state: 'VGhpcyBpcw==' }))
  const unasked = await idp.transaction((trx) => idp.outbox.verifyStream(trx, { streamId: 'a' }))
  const sub_id = { format: 'opaque', id: 'a' }
  expect(await idp.payloads()).toMatchObject([
    { jti: asked.jti, sub_id, events: { [`${SSF}/verification`]: { state: 'VGhpcyBpcw==' } } },
    { jti: unasked.jti, sub_id },
  ])
  expect((await idp.payloads())[1]?.['events']).toEqual({ [`${SSF}/verification`]: {} })
  expect(await idp.deliveries()).toMatchObject([{ urgent: true }, { urgent: true }])
})

test('only a stream that is enabled, and has an event for it, is verified', async ({ idp }) => {
  await idp.addStream('agency', { profile: 'login.gov' })
  const verify = (streamId: string) => idp.transaction((trx) => idp.outbox.verifyStream(trx, { streamId }))
  for (const status of ['paused', 'disabled']) {
    await idp.addStream(status, { status })
    await expect(verify(status)).rejects.toMatchObject({ code: 'ERR_RISC_STREAM_NOT_ENABLED', streamId: status })
  }
  await expect(verify('agency')).rejects.toMatchObject({
    code: 'ERR_RISC_INVALID_EVENT',
    message: expect.stringContaining('login.gov has no event that verifies a stream'),
  })
  expect(await idp.deliveries()).toEqual([])
})

test('an unknown stream is refused with its own error', async ({ idp }) => {
  const unknown = { code: 'ERR_RISC_UNKNOWN_STREAM' }
  await expect(setStatus(idp, 'nobody', 'paused')).rejects.toMatchObject(unknown)
  await expect(idp.transaction((trx) => idp.outbox.verifyStream(trx, { streamId: 'nobody' }))).rejects.toMatchObject(
    unknown,
  )
  await expect(idp.outbox.setStreamStatus(none, { streamId: 'no body', status: 'paused' })).rejects.toMatchObject(
    unknown,
  )
  await expect(idp.outbox.verifyStream(none, { streamId: '' })).rejects.toMatchObject(unknown)
})

test('what cannot be said is refused before anything is asked', async ({ idp }) => {
  for (const [wrong, path] of [
    [{ status: 'stopped' as 'paused' }, 'status'],
    [{ status: 'paused', reason: '' }, 'reason'],
    [{ status: 'paused', reason: 'a\0b' }, 'reason'],
    [{ status: 'paused', reason: '\ud800' }, 'reason'],
  ] as const) {
    const change = { streamId: 'a', ...wrong }
    await expect(idp.outbox.setStreamStatus(none, change), path).rejects.toMatchObject({
      code: 'ERR_RISC_INVALID_EVENT',
      problems: [{ path }],
    })
  }
  const state = 7 as unknown as string
  await expect(idp.outbox.verifyStream(none, { streamId: 'a', state })).rejects.toMatchObject({
    code: 'ERR_RISC_INVALID_EVENT',
    problems: [{ path: 'state' }],
  })
})

test('if the transaction rolls back, the status is what it was and nobody is told', async ({ idp }) => {
  await idp.addStream('a')
  const work = idp.transaction(async (trx) => {
    await idp.outbox.verifyStream(trx, { streamId: 'a' })
    expect(await idp.outbox.setStreamStatus(trx, { streamId: 'a', status: 'disabled' })).toMatchObject({
      changed: true,
    })
    throw new Error('not to be')
  })
  await expect(work).rejects.toThrow('not to be')
  expect(await stream(idp, 'a')).toMatchObject({ status: 'enabled', moved: false })
  expect(await idp.deliveries()).toEqual([])
})

test('outside a transaction a stream is neither changed nor verified', async ({ idp }) => {
  await idp.addStream('a')
  const refusal = { code: 'ERR_RISC_NOT_IN_TRANSACTION' }
  const change = { streamId: 'a', status: 'paused' } as const
  const eachByItself = { query: (text: string, values: unknown[]) => idp.pool.query(text, values) }
  const db = new Kysely<Record<never, never>>({ dialect: new PostgresDialect({ pool: idp.pool }) })
  await expect(idp.outbox.setStreamStatus(eachByItself, change)).rejects.toMatchObject(refusal)
  await expect(idp.outbox.verifyStream(eachByItself, change)).rejects.toMatchObject(refusal)
  // @ts-expect-error a Kysely outside a transaction
  await expect(idp.outbox.setStreamStatus(db, change)).rejects.toMatchObject(refusal)
  // @ts-expect-error a Kysely outside a transaction
  await expect(idp.outbox.verifyStream(db, change)).rejects.toMatchObject(refusal)
  expect(await stream(idp, 'a')).toMatchObject({ status: 'enabled' })
  expect(await idp.deliveries()).toEqual([])
  await db.transaction().execute((trx) => idp.outbox.setStreamStatus(trx, change))
  expect(await stream(idp, 'a')).toMatchObject({ status: 'paused' })
})

test('two statements change a stream or verify it, one finds that nothing changes', async ({ idp }) => {
  await idp.addStream('a')
  await idp.transaction(async (client) => {
    const { trx, count } = counting(client)
    await idp.outbox.verifyStream(trx, { streamId: 'a' })
    expect(count()).toBe(2)
    await idp.outbox.setStreamStatus(trx, { streamId: 'a', status: 'paused' })
    expect(count()).toBe(4)
    await idp.outbox.setStreamStatus(trx, { streamId: 'a', status: 'paused' })
    expect(count()).toBe(5)
  })
})

test('nobody who enqueues for a stream waits for a transaction that changes it', async ({ idp }) => {
  await idp.addStream('a')
  await idp.addUser('u-1', 'a')
  await idp.transaction(async (changing) => {
    await idp.outbox.setStreamStatus(changing, { streamId: 'a', status: 'paused' })
    await idp.transaction(async (trx) => {
      await trx.query("set local lock_timeout = '500ms'")
      const { deliveries } = await idp.outbox.enqueue(trx, { type: 'account-disabled', user: 'u-1' })
      expect(deliveries).toHaveLength(1)
    })
  })
  expect(await idp.deliveries()).toHaveLength(2)
})

test('who changed a status is kept until the next change, and not told to the receiver', async ({ idp }) => {
  await idp.addStream('a')
  const by = 'jane@admin.example'
  const changedBy = async () => (await idp.pool.query('select status_changed_by from risc.streams')).rows[0]
  await idp.transaction((trx) => idp.outbox.setStreamStatus(trx, { streamId: 'a', status: 'paused', by }))
  expect(await changedBy()).toEqual({ status_changed_by: by })
  const { rows } = await idp.pool.query('select signed_set from risc.deliveries')
  expect(JSON.stringify(decodeJwt(rows[0].signed_set))).not.toContain(by)
  await setStatus(idp, 'a', 'enabled')
  expect(await changedBy()).toEqual({ status_changed_by: null })
})

test('who changes a stream is refused a name that cannot be kept, and the transaction goes on', async ({ idp }) => {
  await idp.addStream('a')
  await idp.transaction(async (trx) => {
    for (const by of ['x'.repeat(201), 'a\0', '\ud800', 1 as never]) {
      const change = idp.outbox.setStreamStatus(trx, { streamId: 'a', status: 'paused', by })
      await expect(change).rejects.toMatchObject({ code: 'ERR_RISC_INVALID_OPTIONS' })
    }
    const longest = { streamId: 'a', status: 'paused', by: '\u{1F600}'.repeat(200) } as const
    expect(await idp.outbox.setStreamStatus(trx, longest)).toMatchObject({ changed: true })
  })
})

const FUNCTIONS = [
  "select * from risc.stream_for_notice('a')",
  "select risc.set_stream_status('', 'a', 'paused', null, null, '[]')",
]

test("an IdP's role that stops and tests streams needs two functions more, and no table", async ({ idp }) => {
  await idp.addStream('a')
  const role = `${idp.name}_idp`
  await idp.pool.query(`
    create role ${role};
    grant usage on schema risc to ${role};
    grant execute on function risc.enqueue, risc.stream_for_notice, risc.set_stream_status to ${role}`)
  try {
    await as(idp, role, async (trx) => {
      await idp.outbox.verifyStream(trx, { streamId: 'a' })
      expect(await idp.outbox.setStreamStatus(trx, { streamId: 'a', status: 'paused' })).toMatchObject({
        changed: true,
      })
    })
    expect(await idp.deliveries()).toHaveLength(2)
    for (const statement of ['select * from risc.streams', `update risc.streams set status = 'enabled'`]) {
      await expect(
        as(idp, role, (trx) => trx.query(statement)),
        statement,
      ).rejects.toMatchObject({ code: '42501' })
    }
  } finally {
    await idp.pool.query(`drop owned by ${role}; drop role ${role}`)
  }
})

test('nobody who was not granted it may change a stream', async ({ idp }) => {
  const role = `${idp.name}_nobody`
  await idp.pool.query(`create role ${role}; grant usage on schema risc to ${role}`)
  try {
    for (const statement of FUNCTIONS) {
      await expect(
        as(idp, role, (trx) => trx.query(statement)),
        statement,
      ).rejects.toMatchObject({ code: '42501' })
    }
  } finally {
    await idp.pool.query(`drop owned by ${role}; drop role ${role}`)
  }
})

function as<T>(idp: Idp, role: string, work: (trx: PoolClient) => Promise<T>): Promise<T> {
  return idp.transaction(async (trx) => {
    await trx.query(`set local role ${role}`)
    return work(trx)
  })
}
