import { CamelCasePlugin, Kysely, ParseJSONResultsPlugin, PostgresDialect } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import type { KyselyTransaction, Outbox, OutboxDatabase } from 'risc-outbox'
import { expect } from 'vitest'
import { disable, type Idp, test } from './idp.ts'

const event = { type: 'account-disabled', user: 'u-1' } as const
const refusal = { code: 'ERR_RISC_NOT_IN_TRANSACTION' }

test('a Kysely transaction of any database type, and its savepoints, are transactions', async ({ idp }) => {
  await idp.addStream('a')
  await idp.addUser('u-1', 'a')
  const db = openKysely<{ users: { id: string; disabled: boolean } }>(idp)

  await db.transaction().execute(async (trx) => {
    await trx.updateTable('users').set({ disabled: true }).where('id', '=', 'u-1').execute()
    await idp.outbox.enqueue(trx, event)
  })
  const controlled = await db.startTransaction().execute()
  await idp.outbox.enqueue(controlled, event)
  const savepoint = await controlled.savepoint('attempt').execute()
  await idp.outbox.enqueue(savepoint, event)
  await savepoint.rollbackToSavepoint('attempt').execute()
  await controlled.commit().execute()

  expect(await idp.deliveries()).toHaveLength(2)
})

test('a plain Kysely is refused before anything is asked', async ({ idp }) => {
  const texts: string[] = []
  const db = openKysely(idp, (text) => texts.push(text))
  await expect(idp.outbox.enqueue(db as unknown as KyselyTransaction, event)).rejects.toMatchObject(refusal)
  await db.connection().execute(async (connection) => {
    await expect(idp.outbox.enqueue(connection as unknown as KyselyTransaction, event)).rejects.toMatchObject(refusal)
  })
  expect(texts).toEqual([])
})

test('plugins of the Kysely do not reach into subjects', async ({ idp }) => {
  await idp.addStream('a')
  await idp.addUser('u-1')
  const db = openKysely(idp).withPlugin(new ParseJSONResultsPlugin()).withPlugin(new CamelCasePlugin())
  const subject = { format: 'phone_number', phone_number: '+14155550100' } as const

  await db.transaction().execute(async (trx) => {
    await idp.outbox.link(trx, { user: 'u-1', streamId: 'a', subject })
    await idp.outbox.enqueue(trx, event)
  })

  expect(await idp.payloads()).toMatchObject([{ sub_id: subject }])
})

test('a pg client outside a transaction is refused before anything is asked', async ({ idp }) => {
  await idp.addStream('a')
  await idp.addUser('u-1', 'a')
  await idp.connection(async (client) => {
    const link = { user: 'u-1', streamId: 'a', subject: { format: 'opaque', id: 'x' } } as const
    await client.query('select 1')
    await expect(idp.outbox.enqueue(client, event)).rejects.toMatchObject(refusal)
    await expect(idp.outbox.link(client, link)).rejects.toMatchObject(refusal)
    await expect(idp.outbox.unlink(client, link)).rejects.toMatchObject(refusal)
  })
  expect(await idp.deliveries()).toEqual([])
})

test('a query function that commits each statement by itself is refused before anything is written', async ({
  idp,
}) => {
  await idp.addStream('a')
  await idp.addUser('u-1', 'a')
  const autocommitting = { query: (text: string, values: unknown[]) => idp.pool.query(text, values) }
  await expect(idp.outbox.enqueue(autocommitting, event)).rejects.toMatchObject(refusal)
  await idp.connection(async (client) => {
    const withoutStatus = { query: (text: string, values: unknown[]) => client.query(text, values) }
    await expect(idp.outbox.enqueue(withoutStatus, event)).rejects.toMatchObject(refusal)
  })
  expect(await idp.deliveries()).toEqual([])
})

test('a transaction that ends before enqueue is done gets no delivery that it did not commit', async ({ idp }) => {
  await idp.addStream('a')
  await idp.addUser('u-1', 'a')
  const { promise: forgotten, resolve: forget } = Promise.withResolvers<Promise<unknown>>()
  await idp.transaction(async (trx) => {
    await disable(trx, 'u-1')
    const enqueuing = idp.outbox.enqueue(trx, event)
    enqueuing.catch(() => undefined)
    forget(
      enqueuing.then(
        () => expect.unreachable(),
        (error: unknown) => error,
      ),
    )
  })
  expect(await forgotten).toMatchObject(refusal)
  expect(await idp.deliveries()).toEqual([])
})

test('what the database says of an aborted transaction is passed on', async ({ idp }) => {
  const aborted = idp.transaction(async (trx) => {
    await trx.query('select 1/0').catch(() => undefined)
    await idp.outbox.enqueue(trx, event)
  })
  await expect(aborted).rejects.toMatchObject({ code: '25P02' })
})

test('a pool, and a Kysely outside a transaction, do not compile', () => {
  const refused = (outbox: Outbox, pool: Pool, db: Kysely<OutboxDatabase>) => [
    // @ts-expect-error each query of a pool is a transaction of its own
    outbox.enqueue(pool, event),
    // @ts-expect-error so is each query of a Kysely
    outbox.enqueue(db, event),
    // @ts-expect-error
    outbox.link(pool, { user: 'u-1', streamId: 'a', subject: { format: 'opaque', id: 'x' } }),
    // @ts-expect-error
    outbox.unlink(db, { user: 'u-1', streamId: 'a' }),
  ]
  const allowed = (outbox: Outbox, client: PoolClient, db: Kysely<{ any: { thing: string } }>) => [
    outbox.enqueue(client, event),
    db.transaction().execute((trx) => outbox.enqueue(trx, [event, event])),
    // @ts-expect-error an event without a user
    outbox.enqueue(client, { type: 'account-disabled' }),
    // @ts-expect-error a type that is neither known nor a URI
    outbox.enqueue(client, { type: 'account-eaten', user: 'u-1' }),
    // @ts-expect-error a claim that the event does not have
    outbox.enqueue(client, { type: 'account-purged', user: 'u-1', reason: 'hijacking' }),
  ]
  expect([refused, allowed]).toHaveLength(2)
})

function openKysely<DB>({ pool }: Idp, onQuery: (text: string) => void = () => undefined): Kysely<DB> {
  return new Kysely<DB>({
    dialect: new PostgresDialect({ pool }),
    log: ({ query }) => onQuery(query.sql),
  })
}
