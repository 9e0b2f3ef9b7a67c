import fc from 'fast-check'
import type { PoolClient } from 'pg'
import { expect } from 'vitest'
import type { TestDatabase } from '../support/database.ts'
import { test } from '../support/test.ts'
import { addDeliveries, addStream } from '../worker/rows.ts'

/** A function, and the types of its arguments. */
interface Signature {
  readonly name: string
  readonly types: readonly string[]
}

const INJECTIONS = [
  "'; select spring(); --",
  "' || spring() || '",
  '"; select spring(); --',
  '$$; select spring(); $$',
  "\\'; select spring(); --",
  "x') ; select spring(); --",
  '%I %L %s %1$s',
  '$1',
  'deliveries" cascade; select spring(); --',
  '../canary',
  '(((',
  '[[:alpha:]',
  '*',
]

const text = fc.oneof(
  fc.constantFrom(...INJECTIONS),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('"', "'", '\\', '$', ';', '-', '/', '*', '%', 'I', 'L', ' ') }),
)

test('whatever text an argument is, a function answers or fails by a clean SQLSTATE, and runs no statement but its own', async ({
  database,
}) => {
  await addStream(database.pool, { id: 'bank' })
  await addDeliveries(database.pool, 'bank', 3)
  await database.query('create table canary (sprung boolean)')
  await database.query(
    `create function spring() returns text language sql as $$ insert into canary values (true) returning '' $$`,
  )
  const signatures = await functions(database)
  expect(signatures.length).toBeGreaterThan(60)
  const client = await database.pool.connect()
  try {
    await fc.assert(
      fc.asyncProperty(text, async (hostile) => {
        const safe = hostile.replaceAll('\0', '')
        for (const signature of signatures) await call(client, signature, safe)
      }),
      { numRuns: 15, examples: INJECTIONS.map((injection) => [injection]) },
    )
  } finally {
    client.release(true)
  }
})

/** Calls a function in a transaction that is rolled back, and looks before that whether anything sprung. */
async function call(client: PoolClient, { name, types }: Signature, hostile: string): Promise<void> {
  await client.query('begin')
  await client.query('savepoint before')
  const places = types.map((type, index) => `$${index + 1}::${type}`)
  const values = types.map((type) => argument(type, hostile))
  try {
    await client.query(`select * from ${name}(${places})`, values)
  } catch (error) {
    await client.query('rollback to before')
    const { code, message } = error as { code: string; message: string }
    const context = `${name}(${JSON.stringify(hostile)}): ${code} ${message}`
    expect(code, context).toMatch(CLEAN)
    if (code === UNDEFINED_TABLE) expect(name, context).toBe('risc.drop_old_partition') // it names a parent
  }
  expect((await client.query('select from canary')).rowCount, name).toBe(0)
  await client.query('rollback')
}

const UNDEFINED_TABLE = '42P01'
/** Of what was given, of constraints, of a state; or of an object that there is not. No error of syntax, no internal one. */
const CLEAN = /^(22|23|25|55|42704|42P01)/

function argument(type: string, hostile: string): unknown {
  const object = Object.fromEntries(KEYS.map((key) => [key, hostile]))
  switch (type) {
    case 'text':
    case 'name':
      return hostile
    case 'text[]':
      return [hostile, hostile]
    case 'jsonb':
      return JSON.stringify([{ ...object, ticket: 1, delivery_id: 1 }])
    case 'risc.dead_filter':
      return `(${[hostile, hostile, hostile].map((field) => `"${field.replaceAll(/["\\]/g, '\\$&')}"`)},,2100-01-01)`
    case 'bigint[]':
      return [1, 2]
    case 'regclass':
      return 'risc.deliveries'
    case 'uuid':
      return '00000000-0000-4000-8000-000000000001'
    case 'interval':
      return '1 hour'
    case 'timestamp with time zone':
      return '2026-01-01T00:00:00Z'
    case 'boolean':
      return true
    case 'integer':
    case 'bigint':
    case 'double precision':
      return 1
    default:
      return null // a whole row
  }
}

const KEYS = [
  'user',
  'stream_id',
  'event_type',
  'jti',
  'txn',
  'kid',
  'signed_set',
  'traceparent',
  'reason',
  'description',
]

/** Every function of ours that can be called. */
async function functions(database: TestDatabase): Promise<Signature[]> {
  const { rows } = await database.query<Signature>(
    `select p.oid::regproc::text as name, array(
       select format_type(t, null) from unnest(p.proargtypes::oid[]) with ordinality a (t, place) order by place) as types
     from pg_proc p
     where p.pronamespace = 'risc'::regnamespace and p.prorettype <> 'trigger'::regtype order by 1`,
  )
  return rows
}
