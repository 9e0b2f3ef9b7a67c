import type { Pool } from 'pg'
import { migrate } from 'risc-worker'
import { expect } from 'vitest'
import { serverProblem } from '../../packages/worker/src/migrate.ts'
import { readMigrations } from '../../packages/worker/src/migration-files.ts'
import { printMigrations } from '../../packages/worker/src/print-migrations.ts'
import { checkSchema, knownSchemaVersion, schemaProblem } from '../../packages/worker/src/schema-version.ts'
import { test } from './empty-database.ts'

const OURS = readMigrations().map(({ name }) => name)
const ALL = [...Array.from({ length: 20 }, (_, n) => `graphile-worker ${String(n + 1).padStart(6, '0')}`), ...OURS]

test('an empty database is migrated, and nothing is left to do the next time', async ({ empty }) => {
  expect(OURS.length).toBeGreaterThan(0)
  expect(await migrate(empty.url)).toEqual({ applied: ALL, granted: [] })
  expect(await migrate(empty.url)).toEqual({ applied: [], granted: [] })
  await expect(checkSchema(empty.pool)).resolves.toBeUndefined()
})

test('three that migrate an empty database at once all succeed, and each migration is applied once', async ({
  empty,
}) => {
  const results = await Promise.all([migrate(empty.url), migrate(empty.url), migrate(empty.url)])
  expect(results.flatMap(({ applied }) => applied)).toEqual(ALL)
})

test('migrating makes the partitions of the days to come', async ({ empty }) => {
  await migrate(empty.url)
  const { rows } = await empty.pool.query(
    `select count(*)::integer from pg_inherits where inhparent = 'risc.history'::regclass`,
  )
  expect(rows).toEqual([{ count: 9 }]) // today, seven more, and the net
})

test('the printed script makes what migrate makes, down to the records, and leaves migrate nothing to do', async ({
  database,
  empty,
}) => {
  await empty.pool.query(printMigrations())
  expect(await schemaOf(empty.pool)).toEqual(await schemaOf(database.pool))
  expect(await migrate(empty.url)).toEqual({ applied: [], granted: [] })
  const { rows } = await empty.pool.query(`select count(*)::integer from risc.migrations where timestamp::timestamptz
    between now() - interval '1 minute' and now()`)
  expect(rows).toEqual([{ count: OURS.length }])
})

test('migrations commit together or not at all', async ({ empty }) => {
  await empty.pool.query('create schema risc create table streams (id text)') // in the way of the first migration
  await expect(migrate(empty.url)).rejects.toThrow('relation "streams" already exists')
  const { rows } = await empty.pool.query('select name from risc.migrations')
  expect(rows).toEqual([])
})

test('a role that may not create schemas is told what it needs', async ({ admin, empty }) => {
  const role = `${empty.name}_role`
  await admin.query(`create role ${role} login password 'geheim'`)
  try {
    const url = new URL(empty.url)
    url.username = role
    url.password = 'geheim'
    const failure = await migrate(url.href).catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'MigrationDeniedError', code: 'ERR_RISC_MIGRATION_DENIED' })
    expect(String(failure)).toMatch(/permission denied for database .+ grant it CREATE on the database/)
    expect(String(failure)).not.toContain('geheim')
  } finally {
    await admin.query(`drop role ${role}`)
  }
})

test('PostgreSQL 14 is refused, 15 and newer are not', () => {
  expect(serverProblem(140_018)).toBe('the server is PostgreSQL 14, and risc-worker needs 15 or newer')
  expect(serverProblem(150_000)).toBeUndefined()
  expect(serverProblem(180_004)).toBeUndefined()
})

test('a database without the schema is refused with the command to run', async ({ empty }) => {
  await expect(checkSchema(empty.pool)).rejects.toMatchObject({
    code: 'ERR_RISC_UNKNOWN_SCHEMA',
    message: 'the database has no schema risc yet: run `risc-worker migrate`',
  })
})

test('a database that lacks a migration is refused with its name', async ({ database }) => {
  await database.query('delete from risc.migrations where name = $1', [OURS.at(-1)])
  await expect(checkSchema(database.pool)).rejects.toThrow(
    `the database lacks ${OURS.at(-1)}: run \`risc-worker migrate\``,
  )
})

test('a database that a newer version migrated is neither used nor migrated', async ({ database }) => {
  await database.query(`insert into risc.migrations (name, timestamp) values ('9999_invent_time', now()::text)`)
  await expect(checkSchema(database.pool)).rejects.toThrow(/newer than this risc-worker, .+ 9999_invent_time/)
  await expect(migrate(database.url)).rejects.toMatchObject({ code: 'ERR_RISC_UNKNOWN_SCHEMA' })
})

test('a newer graphile-worker in the database matters only if it breaks older ones', () => {
  const known = knownSchemaVersion()
  const { latest } = known.graphileWorker
  const with_ = (graphileWorker: { latest: number; breaking: number }) => ({ ...known, graphileWorker })
  expect(schemaProblem(with_({ latest: latest + 1, breaking: latest }), known)).toBeUndefined()
  expect(schemaProblem(with_({ latest: latest + 1, breaking: latest + 1 }), known)).toMatch(/newer/)
  expect(schemaProblem(with_({ latest: latest - 1, breaking: 1 }), known)).toMatch(/lacks migration \d+ of graphile/)
})

/** Everything that the migrations make, as PostgreSQL itself describes it, and the records of both migrators. */
async function schemaOf(pool: Pool): Promise<Record<string, unknown[]>> {
  const ours = `n.nspname in ('risc', 'risc_worker')`
  const queries = {
    schemas: `select nspname, nspacl from pg_namespace n where ${ours} order by 1`,
    relations: `select c.oid::regclass::text, c.relkind, c.relpersistence, c.reloptions, c.relacl::text, c.relrowsecurity,
      pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid) from pg_class c join pg_namespace n on n.oid = relnamespace
      where ${ours} order by 1`,
    columns: `select attrelid::regclass::text, attnum, attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
      attgenerated, attstorage, attcollation::regcollation::text, pg_get_expr(adbin, adrelid) from pg_attribute
      join pg_class c on c.oid = attrelid join pg_namespace n on n.oid = relnamespace
      left join pg_attrdef on adrelid = attrelid and adnum = attnum
      where ${ours} and attnum > 0 and not attisdropped order by 1, 2`,
    constraints: `select conname, conrelid::regclass::text, pg_get_constraintdef(c.oid) from pg_constraint c
      join pg_namespace n on n.oid = connamespace where ${ours} order by 1, 2`,
    indexes: `select pg_get_indexdef(c.oid) from pg_class c join pg_namespace n on n.oid = relnamespace
      where ${ours} and relkind in ('i', 'I') order by 1`,
    functions: `select pg_get_functiondef(p.oid), proacl::text from pg_proc p join pg_namespace n on n.oid = pronamespace
      where ${ours} order by 1`,
    triggers: `select pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = tgrelid
      join pg_namespace n on n.oid = relnamespace where ${ours} and not tgisinternal order by 1`,
    views: `select c.oid::regclass::text, pg_get_viewdef(c.oid) from pg_class c join pg_namespace n on n.oid = relnamespace
      where ${ours} and relkind = 'v' order by 1`,
    types: `select t.oid::regtype::text, typtype, format_type(typbasetype, typtypmod) from pg_type t
      join pg_namespace n on n.oid = typnamespace where ${ours} order by 1`,
    comments: `select objsubid, description from pg_description join pg_class c on c.oid = objoid
      join pg_namespace n on n.oid = relnamespace where ${ours} order by 2`,
    graphileWorkerRecords: 'select id, breaking from risc_worker.migrations order by id',
    records: 'select name from risc.migrations order by name',
    locks: 'select * from risc.migrations_lock',
  }
  const schema: Record<string, unknown[]> = {}
  for (const [name, text] of Object.entries(queries)) schema[name] = (await pool.query(text)).rows
  return schema
}
