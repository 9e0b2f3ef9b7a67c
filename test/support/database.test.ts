import { expect } from 'vitest'
import { test } from './test.ts'
import { until } from './until.ts'

for (const name of ['one', 'another']) {
  test(`${name} test sees the migrated schemas, and no rows but its own`, async ({ database }) => {
    await database.query('create table public.seen (name text)')
    await database.query('insert into public.seen values ($1)', [name])
    const { rows } = await database.query('select name from public.seen')
    expect(rows).toEqual([{ name }])
    const schemas = await database.query("select 1 from pg_namespace where nspname in ('risc', 'risc_worker')")
    expect(schemas.rowCount).toBe(2)
  })
}

test('until returns what it waits for once it is there', async ({ database }) => {
  await database.query('create sequence public.looks')
  const found = await until(async () => {
    const { rows } = await database.query<{ n: string }>("select nextval('public.looks') as n")
    return rows.find(({ n }) => n === '3')
  }, 'the third look')
  expect(found).toEqual({ n: '3' })
})
