import { Client } from 'pg'
import { expect } from 'vitest'
import { createIdp } from '../outbox/idp.ts'
import type { TestDatabase } from '../support/database.ts'
import { addDeliveries, addStream } from '../worker/rows.ts'
import { test } from './granted.ts'

test('every function is pinned to pg_catalog or parsed when it was made, but for what only pinned ones call', async ({
  database,
}) => {
  const { rows } = await database.query<{ name: string; body: string; pinned: boolean; secure: boolean }>(
    `select p.proname as name, coalesce(p.prosrc, '') as body, p.prosecdef as secure,
       p.prosqlbody is not null or coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false) as pinned
     from pg_proc p where p.pronamespace = 'risc'::regnamespace`,
  )
  expect(rows.filter(({ secure, pinned }) => secure && !pinned)).toEqual([])
  expect(new Set(rows.filter(({ pinned }) => !pinned).map(({ name }) => name))).toEqual(INNER)
})

/** Their plans are forced and inlined by the functions that call them, which are pinned. Nobody is granted any of them. */
const INNER = new Set([
  ...['survey_due_streams', 'due_streams', 'ready', 'ready_elsewhere', 'rooms', 'choose_urgent', 'choose'],
  ...['waited_for', 'due_before', 'why_due', 'why_owed', 'redrive_rooms'],
])

test('nobody who was not granted it may execute a function that does anything', async ({ database }) => {
  const { rows } = await database.query(
    `select p.proname as name from pg_proc p cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
     where p.pronamespace = 'risc'::regnamespace and a.grantee = 0 order by 1`,
  )
  expect(rows).toEqual([{ name: 'missing_rights' }, { name: 'rights' }])
})

test('a caller who puts tables, functions and operators of their own first changes nothing of a delivery’s life', async ({
  database,
  roles,
}) => {
  const idp = await createIdp(database)
  await database.query(TRAPS)
  await database.query(`grant usage on schema traps to public; grant insert on traps.sprung to public`)
  await addStream(database.pool, { id: 'bank' })
  const idps = await trapped(database, roles.enqueue)
  const worker = await trapped(database, roles.work)
  const inspector = await trapped(database, roles.inspect)
  try {
    await idps.query('begin')
    await idp.outbox.link(idps, { user: 'u-1', streamId: 'bank', subject: { format: 'opaque', id: 'x' } })
    await idp.outbox.enqueue(idps, { type: 'account-disabled', user: 'u-1' })
    await idps.query('commit')
    await addDeliveries(database.pool, 'bank', 1)

    const me = '00000000-0000-4000-8000-000000000001'
    await worker.query(`select risc.beat($1, 'w', 10, null, false, null)`, [me])
    await worker.query('select risc.survey()')
    await worker.query('select * from risc.maintain(1000)')
    expect((await worker.query('select handed from risc.dispatch()')).rows).toEqual([{ handed: 2 }])
    const { rows: out } = await database.query<{ ticket: string; delivery_id: string }>(
      'select ticket, delivery_id from risc.inflight order by ticket limit 1',
    )
    const { ticket, delivery_id } = out[0] ?? {}
    expect((await worker.query('select ticket from risc.claim($1, $2)', [me, [ticket]])).rows).toEqual([{ ticket }])
    expect((await inspector.query('select jti from risc.pending')).rows).toHaveLength(2)
    const accepted = { ticket, delivery_id, next: 'accepted', counts: true, status: 202, duration_ms: 1 }
    await worker.query('select risc.settle($1)', [JSON.stringify([accepted])])
    await worker.query('select * from risc.tidy()')
    await worker.query('select * from risc.redrive()')
    await worker.query('select * from risc.retain($1, 1, 1, 1)', [me])
    await worker.query('select * from risc.stream_figures(10, 10)')
    await worker.query('select risc.leave($1, array[]::text[])', [me])
    const { rows } = await database.query<{ jti: string; outcome: string }>('select jti, outcome from risc.history')
    expect(rows).toMatchObject([{ outcome: 'accepted' }])
    for (const look of ['risc.why($1)', 'risc.recorded where jti operator(pg_catalog.=) $1']) {
      expect((await inspector.query(`select * from ${look}`, [rows[0]?.jti])).rows).toHaveLength(1)
    }
    await inspector.query('select * from risc.stream_health')
    await inspector.query('select * from risc.stream_state()')
  } finally {
    await Promise.all([idps, worker, inspector].map((client) => client.end()))
  }
  expect((await database.query('select * from traps.sprung')).rows).toEqual([])
})

/** Whatever is reached here leaves a trace: names that our functions use, for whom they are not qualified. */
const TRAPS = `
  create schema traps;
  create table traps.sprung (by text);
  create function traps.spring(p_by text) returns void language sql as $$ insert into traps.sprung values (p_by) $$;
  create function traps.now() returns timestamptz language plpgsql as $$ begin perform traps.spring('now'); return 'epoch'; end $$;
  create function traps.clock_timestamp() returns timestamptz language plpgsql as $$ begin perform traps.spring('clock'); return 'epoch'; end $$;
  create function traps.random() returns float8 language plpgsql as $$ begin perform traps.spring('random'); return 0; end $$;
  create function traps.sha256(bytea) returns bytea language plpgsql as $$ begin perform traps.spring('sha256'); return ''; end $$;
  create function traps.convert_to(text, name) returns bytea language plpgsql as $$ begin perform traps.spring('convert_to'); return ''; end $$;
  create function traps.hashtextextended(text, bigint) returns bigint language plpgsql as $$ begin perform traps.spring('hash'); return 0; end $$;
  create function traps.text_is(text, text) returns boolean language plpgsql as $$ begin perform traps.spring('='); return true; end $$;
  create operator traps.= (leftarg = text, rightarg = text, function = traps.text_is);
  create function traps.bigint_is(bigint, bigint) returns boolean language plpgsql as $$ begin perform traps.spring('bigint ='); return true; end $$;
  create operator traps.= (leftarg = bigint, rightarg = bigint, function = traps.bigint_is);
  create function traps.later(timestamptz, timestamptz) returns boolean language plpgsql as $$ begin perform traps.spring('>'); return true; end $$;
  create operator traps.> (leftarg = timestamptz, rightarg = timestamptz, function = traps.later);`

/** A connection of the role's with the traps before all else, and temporary tables of our tables' names. */
async function trapped(database: TestDatabase, { name, url }: { name: string; url: string }): Promise<Client> {
  await database.query(`grant temporary on database ${new URL(database.url).pathname.slice(1)} to ${name}`)
  const client = new Client({ connectionString: url })
  await client.connect()
  for (const table of ['deliveries', 'streams', 'inflight', 'history', 'pg_class', 'pg_inherits']) {
    await client.query(`create temporary table ${table} (id bigint)`)
  }
  await client.query('set search_path = traps, pg_temp, risc, pg_catalog')
  return client
}
