import { Client } from 'pg'
import { migrate } from 'risc-worker'
import { expect } from 'vitest'
import type { TestDatabase } from '../support/database.ts'
import { addStream } from '../worker/rows.ts'
import { test } from './granted.ts'

/** Whatever is not here, no role but the owner has: a new object, or a new column, is nobody's until it is listed. */
const REACHABLE = {
  enqueue: ['risc: usage', 'risc.enqueue()', 'risc.link()', 'risc.recipients()', 'risc.unlink()'],
  work: [
    'risc: usage',
    'risc.beat()',
    'risc.claim()',
    'risc.database_figures()',
    'risc.dispatch()',
    'risc.hand_back()',
    'risc.inflight: select (worker_id)',
    'risc.key_usage()',
    'risc.leave()',
    'risc.lifeline()',
    'risc.maintain()',
    'risc.migrations: select',
    'risc.redrive()',
    'risc.retain()',
    'risc.settle()',
    'risc.stream_figures()',
    'risc.streams: select (id, endpoint_url, credential, allowed_networks, allowed_ports, ca_certificates, client_certificate, client_private_key, token_request, status)',
    'risc.survey()',
    'risc.tidy()',
    'risc.worker_ttl()',
    'risc.workers: select',
    'risc_worker: usage',
    'risc_worker._private_job_queues: select, update',
    'risc_worker._private_jobs: select, update, delete',
    'risc_worker._private_known_crontabs: select',
    'risc_worker._private_tasks: select, insert',
    'risc_worker.migrations: select',
    // graphile-worker's own, which run with the rights of their caller
    'risc_worker.add_job()',
    'risc_worker.add_jobs()',
    'risc_worker.complete_jobs()',
    'risc_worker.force_unlock_workers()',
    'risc_worker.permanently_fail_jobs()',
    'risc_worker.remove_job()',
    'risc_worker.reschedule_jobs()',
  ],
  inspect: [
    'risc: usage',
    'risc.accepted_by_second()',
    'risc.attempts: select',
    'risc.count_deliveries()',
    'risc.dead: select',
    'risc.deliveries: select (id, stream_id, state)',
    'risc.expires_at()',
    'risc.flow: select',
    'risc.history: select',
    'risc.history_since()',
    'risc.inflight: select',
    'risc.key_usage()',
    'risc.pace: select',
    'risc.pending: select',
    'risc.rate_room_at()',
    'risc.recorded: select',
    'risc.redrive_progress: select',
    'risc.redrives_per_second()',
    'risc.stream_health: select',
    'risc.stream_settings: select',
    'risc.stream_state()',
    'risc.streams: select (id, profile, status, max_in_flight, rate_burst, rate_spacing)',
    'risc.why()',
    'risc.worker_ttl()',
    'risc.workers: select',
  ],
  nobody: [],
} as const

/** These tell of rights, and nothing else. */
const EVERYBODY = ['public: usage', 'risc.missing_rights()', 'risc.rights()']

/** As PostgreSQL 17 lists it. */
const maintained = (right: string): string =>
  right.startsWith('risc_worker._private_jobs:') ? `${right}, maintain` : right

test('each role reaches what its grant lists, and nothing else of any schema', async ({ database, roles }) => {
  await database.query('create table public.users (id text primary key)')
  const { rows } = await database.query(`select current_setting('server_version_num')::integer >= 170000 as maintains`)
  for (const [grant, listed] of Object.entries(REACHABLE)) {
    const expected =
      grant === 'work' && rows[0]?.['maintains'] ? listed.map(maintained).concat('risc.inflight: maintain') : listed
    const reached = await reachable(database, roles[grant as keyof typeof roles].name)
    expect(new Set(reached.filter((right) => !EVERYBODY.includes(right))), grant).toEqual(new Set(expected))
  }
})

test('no view that the inspecting role sees shows a SET, a subject or a credential', async ({ database, roles }) => {
  await addStream(database.pool, {
    id: 'bank',
    credential: 'Bearer hidden',
    client_certificate: 'hidden',
    client_private_key: 'hidden',
    ca_certificates: 'hidden',
  })
  await database.query(
    `insert into risc.subjects (user_id, stream_id, subject) values ('hidden', 'bank', '{"format":"hidden"}')`,
  )
  await database.query(`insert into risc.deliveries (stream_id, jti, txn, event_type, kid, signed_set)
    values ('bank', 'j-1', 't', 'e', 'k', 'hidden.hidden.hidden')`)
  const shown = REACHABLE.inspect.flatMap((right) => right.match(/^(\S+): select(?: \((.+)\))?$/) ?? [])
  const client = new Client({ connectionString: roles.inspect.url })
  await client.connect()
  try {
    for (let place = 0; place < shown.length; place += 3) {
      const { rows } = await client.query(`select ${shown[place + 2] ?? '*'} from ${shown[place + 1]}`)
      expect(JSON.stringify(rows), shown[place]).not.toContain('hidden')
    }
  } finally {
    await client.end()
  }
})

test('what a role is granted again takes nothing, and what it lost comes back', async ({ database, roles }) => {
  const { name } = roles.work
  const again = () => migrate(database.url, [{ grant: 'work', role: name }])
  expect(await again()).toEqual({ applied: [], granted: [] })
  await database.query(
    `revoke execute on function risc.claim from ${name}; revoke select (id) on risc.streams from ${name}`,
  )
  const { granted } = await again()
  expect(granted).toEqual([
    `grant execute on function risc.claim to ${name}`,
    expect.stringMatching(`^grant select \\(id, .+\\) on table risc.streams to ${name}$`),
  ])
  expect(await again()).toEqual({ applied: [], granted: [] })
})

test('a role gets its rights by membership too, and the owner needs no grant', async ({ database, roles }) => {
  await database.query(`grant ${roles.work.name} to ${roles.nobody.name}`)
  const { rows } = await database.query(
    `select (select count(*)::integer from risc.missing_rights('work', $1)) as member,
       (select count(*)::integer from risc.missing_rights('work', current_user)) as owner,
       (select count(*)::integer from risc.missing_rights('work', $2)) as other`,
    [roles.nobody.name, roles.inspect.name],
  )
  expect(rows).toEqual([{ member: 0, owner: 0, other: expect.any(Number) }])
  expect(rows[0]?.['other']).toBeGreaterThan(0)
})

test('a role that may use no schema is told all that it lacks', async ({ database, roles }) => {
  await database.query(`revoke usage on schema risc_worker from ${roles.work.name}`)
  const client = new Client({ connectionString: roles.work.url })
  await client.connect()
  try {
    const { rows } = await client.query(`select privilege, object from risc.missing_rights('work', current_user)`)
    expect(rows).toEqual([{ privilege: 'usage', object: 'risc_worker' }])
  } finally {
    await client.end()
  }
})

test('nobody but the owner may grant', async ({ roles }) => {
  for (const { url } of [roles.enqueue, roles.work, roles.inspect]) {
    await expect(migrate(url, [{ grant: 'inspect', role: roles.nobody.name }])).rejects.toMatchObject({
      code: 'ERR_RISC_MIGRATION_DENIED',
    })
  }
})

/** All that a role may do with anything of the database that is not the server's own, as `object: rights`. */
async function reachable(database: TestDatabase, role: string): Promise<string[]> {
  const { rows } = await database.query<{ reached: string }>(
    `with relation as (
       select c.oid, c.relkind, c.oid::regclass::text as name
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname !~ '^pg_|^information_schema$' and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
     )
     select n.nspname || ': ' || string_agg(p, ', ') as reached
     from pg_namespace n cross join unnest(array['create', 'usage']) p
     where n.nspname !~ '^pg_|^information_schema$' and has_schema_privilege($1, n.oid, p) group by n.nspname
     union all
     select r.name || ': ' || string_agg(p, ', ')
     from relation r cross join unnest(
       array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']
       || case when current_setting('server_version_num')::integer >= 170000 then '{maintain}' else '{}' end::text[]) p
     where r.relkind <> 'S' and has_table_privilege($1, r.oid, p) group by r.name
     union all
     select r.name || ': ' || p || ' (' || string_agg(a.attname, ', ' order by a.attnum) || ')'
     from relation r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
     cross join unnest(array['select', 'insert', 'update', 'references']) p
     where r.relkind <> 'S' and not has_table_privilege($1, r.oid, p) and has_column_privilege($1, r.oid, a.attnum, p)
     group by r.name, p
     union all
     select r.name || ': ' || string_agg(p, ', ')
     from relation r cross join unnest(array['usage', 'select', 'update']) p
     where r.relkind = 'S' and has_sequence_privilege($1, r.oid, p) group by r.name
     union all
     select p.oid::regproc || '()' from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname !~ '^pg_|^information_schema$' and has_schema_privilege($1, n.oid, 'usage')
       and has_function_privilege($1, p.oid, 'execute')
     order by 1`,
    [role],
  )
  return rows.map(({ reached }) => reached)
}
