-- What a role may do that does not own the schema: record events, do a worker's work, or look.
-- Older workers: unaffected as long as they run as the owner. Locks: none that anybody waits for; risc.grant_rights takes
-- ACCESS EXCLUSIVE on tables of graphile-worker for a moment, once for each role that works.

-- A stream as others than its worker may see it: that it has a credential, never which.
create view risc.stream_settings as
select s.id, s.profile, s.endpoint_url, s.audience, s.allowed_networks, s.allowed_ports, s.events_requested, s.token_request,
  s.status, s.status_reason, s.status_changed_at, s.status_changed_by, s.ordering, s.max_in_flight,
  s.rate_limit, s.rate_interval, s.timeout_ms, s.retry_delays_ms, s.max_age, s.created_at,
  s.credential is not null as has_authorization,
  s.encryption_key ->> 'kid' as encryption_kid,
  left(encode(sha256(convert_to(s.ca_certificates, 'UTF8')), 'hex'), 16) as ca_certificates_digest,
  left(encode(sha256(convert_to(s.client_certificate, 'UTF8')), 'hex'), 16) as client_certificate_digest
from risc.streams s;

-- What each grant consists of, right by right. Of tables that hold a SET, a subject or a credential the columns are listed, so
-- a new one is hidden. No grant lets anybody read a SET or change a stream but by the functions, which run as the owner. The policies are for
-- graphile-worker's own tables: with row security and no policy, another role than their owner sees no row of them.
create function risc.rights(p_grant text)
returns table (privilege text, kind text, object text, columns text[])
language sql stable set search_path = pg_catalog, pg_temp as $$
  select p.privilege, g.kind, o.object, g.columns from (
    values
      ('enqueue', 'usage', 'schema', array['risc'], null::text[]),
      ('enqueue', 'execute', 'function', array['risc.recipients', 'risc.enqueue', 'risc.link', 'risc.unlink'], null),

      ('work', 'usage', 'schema', array['risc', 'risc_worker'], null),
      ('work', 'execute', 'function', array[
        'risc.beat', 'risc.lifeline', 'risc.leave', 'risc.dispatch', 'risc.claim', 'risc.settle', 'risc.hand_back',
        'risc.maintain', 'risc.survey', 'risc.tidy', 'risc.redrive', 'risc.retain',
        'risc.stream_figures', 'risc.database_figures', 'risc.worker_ttl'], null),
      ('work', 'select', 'table', array['risc.migrations', 'risc_worker.migrations', 'risc.workers'], null),
      ('work', 'maintain', 'table', array['risc.inflight', 'risc_worker._private_jobs'], null), -- a vacuum between two of autovacuum; PostgreSQL 17
      ('work', 'select, update, delete', 'table', array['risc_worker._private_jobs'], null),
      ('work', 'select, update', 'table', array['risc_worker._private_job_queues'], null),
      ('work', 'select, insert', 'table', array['risc_worker._private_tasks'], null),
      ('work', 'select', 'table', array['risc_worker._private_known_crontabs'], null),
      ('work', 'policy', 'table', array[
        'risc_worker._private_jobs', 'risc_worker._private_job_queues', 'risc_worker._private_tasks',
        'risc_worker._private_known_crontabs'], null),
      -- for `risc-worker check`, which goes the way to each endpoint; a claim shows all of it
      ('work', 'execute', 'function', array['risc.key_usage'], null),
      ('work', 'select', 'table', array['risc.inflight'], '{worker_id}'),
      ('work', 'select', 'table', array['risc.streams'], array[
        'id', 'status', 'endpoint_url', 'allowed_networks', 'allowed_ports', 'ca_certificates', 'client_certificate',
        'client_private_key', 'token_request', 'credential']),

      ('inspect', 'usage', 'schema', array['risc'], null),
      ('inspect', 'select', 'table', array[
        'risc.pending', 'risc.dead', 'risc.recorded', 'risc.stream_health', 'risc.stream_settings', 'risc.redrive_progress',
        'risc.history', 'risc.attempts', 'risc.inflight', 'risc.workers', 'risc.flow', 'risc.pace'], null),
      ('inspect', 'select', 'table', array['risc.deliveries'], '{id,stream_id,state}'),
      ('inspect', 'select', 'table', array['risc.streams'], '{id,profile,status,max_in_flight,rate_burst,rate_spacing}'),
      ('inspect', 'execute', 'function', array[
        'risc.why', 'risc.history_since', 'risc.key_usage', 'risc.stream_state', 'risc.count_deliveries',
        'risc.accepted_by_second', 'risc.expires_at', 'risc.rate_room_at', 'risc.redrives_per_second', 'risc.worker_ttl'], null)
  ) g (name, privileges, kind, objects, columns)
  cross join lateral unnest(g.objects) o (object)
  cross join lateral regexp_split_to_table(g.privileges, ', ') p (privilege)
  where g.name = p_grant and (p.privilege <> 'maintain' or current_setting('server_version_num')::integer >= 170000);
$$;

-- Those rights of a grant that a role lacks, be it by itself or by the roles that it is a member of.
create function risc.missing_rights(p_grant text, p_role name)
returns table (privilege text, kind text, object text, columns text[])
language sql stable set search_path = pg_catalog, pg_temp as $$
  -- By the catalogs, since the name of what is in a schema cannot be read without usage of the schema.
  with needed as (
    select r.*, n.oid as schema_oid, c.oid as table_oid, c.relowner, p.oid as function_oid
    from risc.rights(p_grant) r
    cross join lateral parse_ident(r.object) i (name)
    left join pg_namespace n on n.nspname = i.name[1]
    left join pg_class c on r.kind = 'table' and c.relnamespace = n.oid and c.relname = i.name[2]
    left join pg_proc p on r.kind = 'function' and p.pronamespace = n.oid and p.proname = i.name[2]
  )
  select n.privilege, n.kind, n.object, n.columns from needed n
  where not coalesce(case
    when n.kind = 'schema' then has_schema_privilege(p_role, n.schema_oid, n.privilege)
    when n.kind = 'function' then has_function_privilege(p_role, n.function_oid, n.privilege)
    when n.privilege = 'policy' then exists (
      select from pg_roles m
      where m.rolname = p_role and (
        m.rolsuper or m.rolbypassrls or pg_has_role(m.oid, n.relowner, 'usage') or exists (
          select from pg_policy l cross join unnest(l.polroles) g (oid)
          where l.polrelid = n.table_oid and l.polcmd = '*'
            and case g.oid when 0 then true else pg_has_role(m.oid, g.oid, 'usage') end)))
    when n.columns is null then has_table_privilege(p_role, n.table_oid, n.privilege)
    else (select bool_and(has_column_privilege(p_role, n.table_oid, c, n.privilege)) from unnest(n.columns) c)
  end, false);
$$;

-- Gives a role the rights of a grant that it lacks, enqueue, work or inspect, and returns what it did, as statements. Takes
-- nothing away. To be called by the owner of the schema, again after each migration.
create function risc.grant_rights(p_grant text, p_role name) returns setof text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_right record;
  v_statement text;
begin
  if not exists (select from risc.rights(p_grant)) then
    raise exception 'there is no grant %: it is enqueue, work or inspect', p_grant using errcode = 'invalid_parameter_value';
  end if;
  if not exists (select from pg_roles r where r.rolname = p_role) then
    raise exception 'there is no role %', p_role using errcode = 'undefined_object';
  end if;
  for v_right in select * from risc.missing_rights(p_grant, p_role) loop
    v_statement := case v_right.privilege
      when 'policy' then format('create policy %I on %s to %1$I using (true) with check (true)', p_role, v_right.object)
      else format('grant %s%s on %s %s to %I', v_right.privilege,
        (select ' (' || string_agg(quote_ident(c), ', ') || ')' from unnest(v_right.columns) c),
        v_right.kind, v_right.object, p_role) end;
    execute v_statement;
    return next v_statement;
  end loop;
end $$;

-- Nobody may do anything that was not granted, but ask what is missing.
revoke execute on all functions in schema risc from public;
grant execute on function risc.rights, risc.missing_rights to public;
