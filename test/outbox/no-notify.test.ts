import type { PoolClient } from 'pg'
import { expect } from 'vitest'
import { disable, type Idp } from './idp.ts'
import { test } from './preparing.ts'

test('nothing is notified on any channel of the system', async ({ idp }) => {
  await prepare(idp)
  await idp.connection(async (listener) => {
    const heard: string[] = []
    listener.on('notification', ({ payload }) => heard.push(payload ?? ''))
    const channels = await channelsOf(listener)
    expect(channels).toContain('jobs:insert')
    for (const channel of channels) await listener.query(`listen ${listener.escapeIdentifier(channel)}`)

    await idp.transaction((trx) => useOutbox(idp, trx))

    // PostgreSQL delivers in the order of commits, so what came before this one has come when this one comes.
    await idp.pool.query("select pg_notify('jobs:insert', 'the last')")
    await expect.poll(() => heard).toContain('the last')
    expect(heard).toEqual(['the last'])
    await listener.query('unlisten *')
  })
})

test('nothing is notified on any channel at all: PostgreSQL would prepare the transaction', async ({
  preparing: idp,
}) => {
  await prepare(idp)

  // PREPARE TRANSACTION refuses a transaction that has executed NOTIFY, whichever the channel and however deep.
  const notifying = prepareTransaction(idp, (trx) => trx.query("select risc_worker.add_job('risc.deliver')"))
  await expect(notifying).rejects.toThrow('cannot PREPARE a transaction that has executed LISTEN, UNLISTEN, or NOTIFY')

  await prepareTransaction(idp, (trx) => useOutbox(idp, trx))
  expect(await idp.deliveries()).toHaveLength(2)
})

async function prepare(idp: Idp): Promise<void> {
  await idp.addStream('a')
  await idp.addStream('b')
  await idp.addUser('u-1', 'a')
}

/** Everything that an IdP does with an outbox. */
async function useOutbox(idp: Idp, trx: PoolClient): Promise<void> {
  await disable(trx, 'u-1')
  await idp.outbox.link(trx, { user: 'u-1', streamId: 'b', subject: { format: 'opaque', id: 'x' } })
  await idp.outbox.enqueue(trx, { type: 'account-disabled', user: 'u-1' })
  await idp.outbox.unlink(trx, { user: 'u-1', streamId: 'b' })
}

/** Every channel that a function of the database names. */
async function channelsOf(client: PoolClient): Promise<string[]> {
  const { rows } = await client.query<{ channel: string }>(
    `select distinct m[1] as channel
     from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     cross join regexp_matches(p.prosrc, '(?:pg_notify\\s*\\(\\s*''|notify\\s+"?)([^''",;]+)', 'gi') m
     where n.nspname in ('risc', 'risc_worker')`,
  )
  return ['worker:migrate', ...rows.map(({ channel }) => channel)]
}

function prepareTransaction(idp: Idp, work: (trx: PoolClient) => Promise<unknown>): Promise<void> {
  return idp.connection(async (client) => {
    await client.query('begin')
    await work(client)
    await client.query(`prepare transaction 'outbox ${idp.name}'`)
    await client.query(`commit prepared 'outbox ${idp.name}'`)
  })
}
