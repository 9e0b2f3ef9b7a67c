import type { PoolClient } from 'pg'
import { expect } from 'vitest'
import { type Idp, test } from './idp.ts'

test("the IdP's role needs four functions, and can read and write no table", async ({ idp }) => {
  await idp.addStream('a')
  await idp.addUser('u-1')
  const role = `${idp.name}_idp`
  await idp.pool.query(`
    create role ${role};
    grant usage on schema risc to ${role};
    grant execute on function risc.recipients, risc.enqueue, risc.link, risc.unlink to ${role}`)
  try {
    await as(idp, role, async (trx) => {
      const link = { user: 'u-1', streamId: 'a', subject: { format: 'opaque', id: 'x' } } as const
      await idp.outbox.link(trx, link)
      await idp.outbox.enqueue(trx, { type: 'account-disabled', user: 'u-1' })
      await idp.outbox.unlink(trx, link)
    })
    expect(await idp.deliveries()).toHaveLength(1)

    expect(await reachable(idp, role)).toEqual([])
    for (const statement of [
      'select * from risc.deliveries',
      'delete from risc.deliveries',
      'select * from risc.subjects',
      'insert into risc.subjects (user_id, stream_id, subject) values (null, null, null)',
      'update risc.streams set audience = null',
      'select * from risc.pending',
      'select risc.claim(null, array[1])',
      'select risc.dispatch()',
      'select risc.retry(null)',
      'create table risc.mine ()',
      'select * from risc_worker.jobs',
    ]) {
      await expect(
        as(idp, role, (trx) => trx.query(statement)),
        statement,
      ).rejects.toMatchObject({ code: '42501' })
    }
  } finally {
    await idp.pool.query(`drop owned by ${role}; drop role ${role}`)
  }
})

test('nobody who was not granted it may enqueue', async ({ idp }) => {
  const role = `${idp.name}_nobody`
  await idp.pool.query(`create role ${role}; grant usage on schema risc to ${role}`)
  try {
    for (const statement of [
      "select * from risc.recipients('[]')",
      "select risc.enqueue('', '[]')",
      "select risc.link('u', 's', '{}')",
      "select risc.unlink('u', 's')",
    ]) {
      await expect(
        as(idp, role, (trx) => trx.query(statement)),
        statement,
      ).rejects.toMatchObject({ code: '42501' })
    }
  } finally {
    await idp.pool.query(`drop owned by ${role}; drop role ${role}`)
  }
})

test('no function that runs with its owner’s rights may be executed by everybody', async ({ idp }) => {
  const { rows } = await idp.pool.query(
    `select p.proname from pg_proc p cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
     where p.pronamespace = 'risc'::regnamespace and p.prosecdef and a.grantee = 0 and a.privilege_type = 'EXECUTE'`,
  )
  expect(rows).toEqual([])
})

function as<T>(idp: Idp, role: string, work: (trx: PoolClient) => Promise<T>): Promise<T> {
  return idp.transaction(async (trx) => {
    await trx.query(`set local role ${role}`)
    return work(trx)
  })
}

/** Whatever of our tables, views and sequences a role has any right on. */
async function reachable(idp: Idp, role: string): Promise<string[]> {
  const { rows } = await idp.pool.query<{ name: string }>(
    `select c.oid::regclass::text as name
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('risc', 'risc_worker') and case
       when c.relkind in ('r', 'p', 'v') then has_table_privilege($1, c.oid,
         'select, insert, update, delete, truncate, references, trigger')
         or has_any_column_privilege($1, c.oid, 'select, insert, update, references')
       when c.relkind = 'S' then has_sequence_privilege($1, c.oid, 'usage, select, update')
     end`,
    [role],
  )
  return rows.map(({ name }) => name)
}
