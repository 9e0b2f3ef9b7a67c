--
-- PostgreSQL database dump
--

--
-- Name: risc; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA risc;

--
-- Name: dead_filter; Type: TYPE; Schema: risc; Owner: -
--

CREATE TYPE risc.dead_filter AS (
	stream_id text,
	event_type text,
	reason text,
	since timestamp with time zone,
	until timestamp with time zone
);

--
-- Name: explanation; Type: TYPE; Schema: risc; Owner: -
--

CREATE TYPE risc.explanation AS (
	jti text,
	stream_id text,
	event_type text,
	txn text,
	kid text,
	state text,
	created_at timestamp with time zone,
	attempts integer,
	max_attempts integer,
	expires_at timestamp with time zone,
	reason text,
	because text,
	changed_by text,
	since timestamp with time zone,
	until timestamp with time zone,
	status integer,
	description text,
	connected_to text,
	set_sha256 bytea,
	worker text,
	waits_for text,
	ahead integer,
	held integer,
	allowed integer,
	max_in_flight integer,
	workers integer,
	slots integer,
	slots_held integer
);

--
-- Name: public_jwk; Type: DOMAIN; Schema: risc; Owner: -
--

CREATE DOMAIN risc.public_jwk AS jsonb
	CONSTRAINT encryption_key_is_public CHECK (((jsonb_typeof(VALUE) = 'object'::text) AND (VALUE ? 'kty'::text) AND (NOT (VALUE ?| '{d,p,q,dp,dq,qi,oth,k}'::text[]))));

--
-- Name: sealed; Type: DOMAIN; Schema: risc; Owner: -
--

CREATE DOMAIN risc.sealed AS text
	CONSTRAINT is_sealed_or_a_reference CHECK (((octet_length(VALUE) <= 65536) AND ((VALUE ~ '^[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{22}$'::text) OR (VALUE ~ '^(file:[A-Za-z0-9_-][A-Za-z0-9._-]{0,88}\.credential|env:RISC_CREDENTIAL_VALUE_[A-Za-z0-9_]{1,78})@[ -~]*$'::text))));

--
-- Name: accepted_by_second(timestamp with time zone); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.accepted_by_second(p_since timestamp with time zone) RETURNS TABLE(stream_id text, second timestamp with time zone, accepted bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    AS $$
  select h.stream_id, date_trunc('second', h.settled_at) as second, count(*) from risc.history h
  where h.settled_at >= p_since and h.settled_at < date_trunc('second', now()) and h.outcome = 'accepted'
  group by h.stream_id, second;
$$;

--
-- Name: add_flow_and_pace(); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.add_flow_and_pace() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  insert into risc.flow (stream_id) values (new.id);
  insert into risc.pace (stream_id) values (new.id);
  return null;
end $$;

--
-- Name: add_jobs(bigint[]); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.add_jobs(p_tickets bigint[]) RETURNS TABLE(ticket bigint, job_id bigint)
    LANGUAGE plpgsql ROWS 100
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_per_job integer := (
    select greatest(least(
      ceil(cardinality(p_tickets)::numeric / case when count(*) = 1 then 1 else 2 * greatest(count(*), 1) end),
      min(w.slots) / case when min(w.slots) = max(w.slots) then 2 else 8 end), 1)
    from risc.workers w where w.beat_at > now() - risc.worker_ttl());
begin
  return query
  select t::bigint, j.id
  from risc_worker.add_jobs(
    array(select row (
            'risc.deliver', to_json(p_tickets[n : n + v_per_job - 1]), null, null, 25, null, null, null)::risc_worker.job_spec
          from generate_series(1, cardinality(p_tickets), v_per_job) n)) j
  cross join lateral json_array_elements_text(j.payload) t;
end $$;

--
-- Name: await_stream_status(); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.await_stream_status() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  perform risc.await_transactions('risc.streams', 'AccessShareLock');
  perform pg_advisory_xact_lock(hashtextextended('risc.dispatch', 0));
end $$;

--
-- Name: await_transactions(regclass, text); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.await_transactions(p_table regclass, p_mode text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_deadline timestamptz := clock_timestamp() + interval '5 seconds';
  v_open text[];
  v_pids text;
begin
  loop
    select array_agg(l.virtualtransaction), string_agg(distinct coalesce(l.pid::text, 'none, prepared'), ', ')
    into v_open, v_pids
    from pg_locks l
    where l.relation = p_table and l.mode = p_mode
      and l.database = (select d.oid from pg_database d where d.datname = current_database())
      and l.pid is distinct from pg_backend_pid()
      and (v_open is null or l.virtualtransaction = any (v_open));
    exit when v_open is null;
    if clock_timestamp() > v_deadline then
      raise exception
        'transactions that may have enqueued SETs are still open after 5 seconds (pid %): try again when they have ended',
        v_pids using errcode = 'lock_not_available';
    end if;
    perform pg_sleep(0.02);
  end loop;
end $$;

--
-- Name: beat(uuid, text, integer, text, boolean, double precision); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.beat(p_worker_id uuid, p_name text, p_slots integer, p_pool_id text, p_has_lifeline boolean, p_dispatched_ms_ago double precision) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  insert into risc.workers (id, name, slots, pool_id, has_lifeline, dispatched_at)
  values (p_worker_id, p_name, p_slots, p_pool_id, p_has_lifeline, now() - p_dispatched_ms_ago * interval '1 millisecond')
  on conflict (id) do update
  set slots = excluded.slots, pool_id = excluded.pool_id, has_lifeline = excluded.has_lifeline, beat_at = now(),
      dispatched_at = coalesce(excluded.dispatched_at, risc.workers.dispatched_at);
  return (select count(*) from risc.workers w where w.beat_at > now() - risc.worker_ttl());
end $$;

--
-- Name: cancel_redrive(bigint, text); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.cancel_redrive(p_redrive_id bigint, p_by text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  update risc.redrive_streams r set state = 'cancelled' where r.redrive_id = p_redrive_id and r.state = 'running';
  if not found then
    return false;
  end if;
  update risc.redrives r set cancelled_at = now(), cancelled_by = p_by where r.id = p_redrive_id;
  return true;
end $$;

--
-- Name: charge(text[], timestamp with time zone[], bigint[]); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.charge(p_streams text[], p_firsts timestamp with time zone[], p_first_ids bigint[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
begin
  update risc.pace p
  set paid_at = greatest(p.paid_at, now()) + h.handed * s.rate_spacing, low_due_at = m.due_at, low_id = m.id
  from (
    select u.stream_id, count(*) as handed, min(u.first_due_at) as first_due_at, min(u.first_id) as first_id
    from unnest(p_streams, p_firsts, p_first_ids) u (stream_id, first_due_at, first_id) group by u.stream_id) h
  join risc.streams s on s.id = h.stream_id
  cross join lateral (
    select q.* from risc.pace q where q.stream_id = h.stream_id order by q.stream_id, q.paid_at desc limit 1) l
  cross join lateral (
    select l.low_due_at, l.low_id where h.first_due_at is null -- all urgent
    union all
    select h.first_due_at, h.first_id where h.first_due_at < now() - interval '1 second'
    union all
    select now() - interval '1 second', 0 where h.first_due_at >= now() - interval '1 second') m (due_at, id)
  where p.stream_id = l.stream_id and p.paid_at = l.paid_at;
end $$;

--
-- Name: choose(); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.choose() RETURNS TABLE(delivery_id bigint, stream_id text, first_due_at timestamp with time zone, first_id bigint, probe boolean)
    LANGUAGE sql
    AS $$
  with room as materialized (
    select r.*, r.room + r.held + 64 as look from risc.rooms() r
  ), oldest as materialized (
    select d.id, r.stream_id, r.first_due_at, r.first_id, r.probe
    from room r cross join lateral
      risc.ready(r.stream_id, r.ordered, r.failed_by, r.first_due_at, r.first_id, r.room, r.look) d (id)
  ), left_over as materialized (
    select r.*, r.room - (select count(*) from oldest o where o.stream_id = r.stream_id)::integer as more
    from room r where r.ordered
  ), elsewhere as (
    select d.id, l.stream_id, l.first_due_at, l.first_id, l.probe
    from left_over l cross join lateral risc.ready_elsewhere(l.stream_id, l.failed_by, l.more) d (id)
    where l.more > 0 and (select true from oldest o where o.id = d.id) is null and (
      select true from risc.deliveries d
      where d.stream_id = l.stream_id and d.state = 'queued' and (d.due_at, d.id) >= (l.first_due_at, l.first_id)
        and d.due_at <= now()
      order by d.due_at, d.id offset l.look - 1 limit 1)
  )
  select u.*, null::timestamptz, null::bigint, (select f.open_until is not null from risc.flow f where f.stream_id = u.stream_id)
  from risc.choose_urgent() u
  union all select * from oldest union all select * from elsewhere;
$$;

--
-- Name: choose_urgent(); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.choose_urgent() RETURNS TABLE(delivery_id bigint, stream_id text)
    LANGUAGE sql STABLE
    AS $$
  with urgent as materialized (
    select d.*, (select true from risc.inflight i where i.delivery_id = u.delivery_id) is not null as is_out
    from risc.urgent u cross join lateral (
      select d.id, d.stream_id, d.event_type, d.due_at from risc.deliveries d
      where d.id = u.delivery_id and d.state = 'queued' limit 1) d
  )
  select o.id, o.stream_id from (
    select distinct on (u.stream_id) u.id, u.stream_id from urgent u
    where not u.is_out and u.due_at <= now()
      and not exists (
        select from urgent e
        where e.stream_id = u.stream_id and (e.is_out
          or e.id < u.id and u.event_type = risc.stream_updated() and e.event_type = u.event_type))
    order by u.stream_id, u.id) o
  limit (select greatest(ceil(coalesce(sum(w.slots), 0) / 8.0) - (select count(*) from urgent u where u.is_out), 0)
         from risc.workers w where w.beat_at > now() - risc.worker_ttl());
$$;

--
-- Name: claim(uuid, bigint[]); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.claim(p_worker_id uuid, p_tickets bigint[]) RETURNS TABLE(ticket bigint, delivery_id bigint, jti text, stream_id text, event_type text, attempts smallint, age_ms bigint, expires_in_ms bigint, last_reason text, probe boolean, urgent boolean, traceparent text, signed_set text, endpoint_url text, credential text, token_request jsonb, timeout_ms integer, retry_delays_ms integer[], allowed_networks cidr[], allowed_ports integer[], ca_certificates text, client_certificate text, client_private_key text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
  v_mine bigint[];
begin
  perform set_config('synchronous_commit', 'off', true); -- a claim that a crash forgets can be made again
  if not exists (select from risc.workers w where w.id = p_worker_id) then
    return;
  end if;
  v_mine := array(
    select i.ticket from risc.inflight i
    where i.ticket = any (p_tickets) and (i.worker_id is null or i.worker_id = p_worker_id)
    order by i.ticket for update);
  update risc.inflight i set worker_id = p_worker_id, claimed_at = clock_timestamp()
  where i.ticket = any (v_mine) and i.worker_id is null;
  return query
  with loaded as materialized (
    select i.ticket, d.id, d.jti, s.id::text, d.event_type, d.attempts,
      (extract(epoch from now() - d.created_at) * 1000)::bigint,
      (extract(epoch from risc.expires_at(s.profile, s.max_age, d.created_at, d.retried_at) - now()) * 1000)::bigint,
      d.last_reason, i.probe, d.urgent, d.traceparent, d.signed_set,
      s.endpoint_url, s.credential::text, s.token_request, s.timeout_ms, s.retry_delays_ms,
      s.allowed_networks, s.allowed_ports, s.ca_certificates, s.client_certificate, s.client_private_key::text
    from risc.inflight i
    join risc.deliveries d on d.id = i.delivery_id + 0 -- or all of inflight might be read in the order of this column
    join risc.streams s on s.id = d.stream_id
    where i.ticket = any (v_mine) and (s.status = 'enabled' or d.urgent)
  ), untaken as (
    delete from risc.inflight i
    where (select count(*) from loaded) < cardinality(v_mine) -- usually none is left, and then nothing is searched
      and i.ticket = any (v_mine) and i.ticket <> all (array(select l.ticket from loaded l))
  )
  select * from loaded;
end $$;

--
-- Name: count_dead(risc.dead_filter); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.count_dead(p_filter risc.dead_filter) RETURNS TABLE(stream_id text, first_id bigint, total bigint, exp_passed bigint, stream_disabled bigint, about_stream bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select d.stream_id, min(d.id), count(*), count(*) filter (where w.why = 'exp_passed'),
    count(*) filter (where w.why = 'stream_disabled'), count(*) filter (where w.why = 'about_stream')
  from risc.deliveries d
  join risc.streams s on s.id = d.stream_id
  cross join lateral (
    select case when d.urgent then 'about_stream' else risc.unsendable_because(s, d.created_at) end as why) w
  where d.state = 'dead' and risc.fits(d, p_filter)
  group by d.stream_id;
$$;

--
-- Name: count_deliveries(); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.count_deliveries() RETURNS TABLE(stream_id text, waiting bigint, dead bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    AS $$
  select c.stream_id, sum(c.waiting)::bigint, sum(c.dead)::bigint from (
    select d.stream_id, count(*) as waiting, 0 as dead from risc.deliveries d where d.state = 'queued' group by d.stream_id
    union all
    select d.stream_id, 0, count(*) from risc.deliveries d where d.state = 'dead' group by d.stream_id) c
  group by c.stream_id;
$$;

--
-- Name: database_figures(); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.database_figures() RETURNS TABLE(workers double precision, slots double precision, oldest_snapshot_age double precision, inflight_dead_rows double precision)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select
    (select count(*) from risc.workers w where w.beat_at > now() - risc.worker_ttl()),
    (select coalesce(sum(w.slots), 0) from risc.workers w where w.beat_at > now() - risc.worker_ttl()),
    (select coalesce(extract(epoch from clock_timestamp() - min(t.began_at)), 0)
     from (
       select a.xact_start as began_at from pg_stat_activity a
       where a.datname = current_database() and a.backend_type = 'client backend'
         and (a.backend_xmin is not null or a.backend_xid is not null)
       union all
       select p.prepared from pg_prepared_xacts p where p.database = current_database()) t),
    pg_stat_get_dead_tuples('risc.inflight'::regclass);
$$;

--
-- Name: delete_old_overflow(integer, integer, integer); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.delete_old_overflow(p_history_days integer, p_attempts_days integer, p_limit integer) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_history integer;
  v_attempts integer;
begin
  delete from risc.history_overflow h where h.ctid = any (array(
    select o.ctid from risc.history_overflow o where o.settled_at < risc.kept_since(p_history_days) limit p_limit));
  get diagnostics v_history = row_count;
  update risc.forgotten set history_before = greatest(history_before, risc.kept_since(p_history_days)) where v_history > 0;
  delete from risc.attempts_overflow a where a.ctid = any (array(
    select o.ctid from risc.attempts_overflow o where o.ended_at < risc.kept_since(p_attempts_days) limit p_limit));
  get diagnostics v_attempts = row_count;
  return v_history + v_attempts;
end $$;

--
-- Name: deliveries_signed_by(text, integer, bigint); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.deliveries_signed_by(p_kid text, p_limit integer, p_after bigint) RETURNS TABLE(delivery_id bigint, jti text, signed_set text, transaction_name text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select d.id, d.jti, d.signed_set, risc.transaction_name()
  from risc.deliveries d
  where d.kid = p_kid and d.id > p_after and not exists (select from risc.inflight i where i.delivery_id = d.id)
  order by d.id limit p_limit;
$$;

--
-- Name: discard(text[], text); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.discard(p_jtis text[], p_reason text) RETURNS SETOF text
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_locked bigint[] := array(
    select d.id from risc.deliveries d where d.jti = any (p_jtis) order by d.id for update skip locked);
begin
  if exists (select from risc.deliveries d where d.id = any (v_locked) and d.state = 'queued') then
    perform pg_advisory_xact_lock(hashtextextended('risc.dispatch', 0)); -- or a pass under way may hand one of them over
  end if;
  return query select risc.discard_deliveries(
    array(select l from unnest(v_locked) l where (select true from risc.inflight i where i.delivery_id = l) is null), p_reason);
end $$;

--
-- Name: discard_before_going_on(); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.discard_before_going_on() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if risc.discard_waiting(new.id, 50001) > 50000 then
    raise exception 'what waited for stream % is still being discarded: enable it when that is done', new.id
      using errcode = 'object_in_use';
  end if;
  return null;
end $$;

--
-- Name: discard_dead(risc.dead_filter, bigint, text); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.discard_dead(p_filter risc.dead_filter, p_after bigint, p_reason text) RETURNS TABLE(discarded integer, after_id bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
  v_fitting bigint[];
begin
  select coalesce(array_agg(l.id) filter (where l.fits), '{}'), case when count(*) = 1000 then max(l.id) end
  into v_fitting, after_id
  from (
    select d.id, risc.fits(d, p_filter) as fits from risc.deliveries d
    where d.stream_id = p_filter.stream_id and d.state = 'dead' and d.id > p_after
    order by d.stream_id, d.id limit 1000) l;
  discarded := (
    select count(*) from risc.discard_deliveries(array(
      select d.id from risc.deliveries d
      where d.id = any (v_fitting) and d.state = 'dead' order by d.id for update skip locked), p_reason));
  return next;
end $$;

--
-- Name: discard_deliveries(bigint[], text); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.discard_deliveries(p_deliveries bigint[], p_reason text) RETURNS SETOF text
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with gone as (
    delete from risc.deliveries d where d.id = any (p_deliveries) returning d.*
  )
  insert into risc.history
    (delivery_id, stream_id, jti, txn, event_type, kid, set_sha256, outcome, reason, redrive_id, attempts, created_at)
  select g.id, g.stream_id, g.jti, g.txn, g.event_type, g.kid, risc.set_sha256(g.signed_set),
    'discarded', p_reason, g.redrive_id, g.attempts, g.created_at
  from gone g
  returning jti;
$$;

--
-- Name: discard_waiting(text, integer); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.discard_waiting(p_stream_id text, p_limit integer) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
  v_locked bigint[] := array(
    select d.id from risc.deliveries d
    where d.state = 'queued' and d.id = any (array(
      select o.id from (
        select q.id from risc.deliveries q
        where q.stream_id = p_stream_id and q.state = 'queued' and not q.urgent
        order by q.due_at, q.id limit p_limit) o
      where (select true from risc.inflight i where i.delivery_id = o.id) is null))
    order by d.id for update skip locked);
begin
  return (select count(*) from risc.discard_deliveries(v_locked, 'stream_disabled'));
end $$;

--
-- Name: is_traceparent(text); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.is_traceparent(p_text text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN ((p_text ~~ '00-________________________________-________________-__'::text) AND (p_text ~ '^00-[0-9a-f]+-[0-9a-f]+-[0-9a-f]+$'::text));

--
-- Name: deliveries; Type: TABLE; Schema: risc; Owner: -
--

CREATE TABLE risc.deliveries (
    id bigint NOT NULL,
    stream_id text NOT NULL COLLATE pg_catalog."C",
    jti text NOT NULL,
    txn text NOT NULL,
    event_type text NOT NULL,
    kid text NOT NULL,
    order_key bigint,
    urgent boolean DEFAULT false NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    retried_at timestamp with time zone,
    redrive_id bigint,
    first_failed_at timestamp with time zone,
    last_attempt_at timestamp with time zone,
    last_status smallint,
    last_reason text,
    last_description text,
    dead_because text,
    dead_at timestamp with time zone,
    traceparent text,
    signed_set text NOT NULL,
    CONSTRAINT dead_because_is_known CHECK ((dead_because = ANY (ARRAY['refused'::text, 'exhausted'::text, 'expired'::text]))),
    CONSTRAINT dead_says_why_and_since_when CHECK ((((state = 'dead'::text) = (dead_because IS NOT NULL)) AND ((state = 'dead'::text) = (dead_at IS NOT NULL)))),
    CONSTRAINT description_is_bounded CHECK ((char_length(last_description) <= 500)),
    CONSTRAINT state_is_known CHECK ((state = ANY (ARRAY['queued'::text, 'dead'::text]))),
    CONSTRAINT traceparent_is_a_trace_context CHECK (risc.is_traceparent(traceparent))
)
WITH (autovacuum_vacuum_threshold='1000', autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_cost_delay='0', autovacuum_vacuum_insert_threshold='-1', autovacuum_analyze_threshold='10000', autovacuum_analyze_scale_factor='0.2');
ALTER TABLE ONLY risc.deliveries ALTER COLUMN order_key SET STATISTICS 0;
ALTER TABLE ONLY risc.deliveries ALTER COLUMN order_key SET (n_distinct=-1);
ALTER TABLE ONLY risc.deliveries ALTER COLUMN signed_set SET STORAGE EXTERNAL;

--
-- Name: streams; Type: TABLE; Schema: risc; Owner: -
--

CREATE TABLE risc.streams (
    id text NOT NULL COLLATE pg_catalog."C",
    profile text DEFAULT 'ssf'::text NOT NULL,
    endpoint_url text NOT NULL,
    audience text[] NOT NULL,
    credential risc.sealed,
    encryption_key risc.public_jwk,
    allowed_networks cidr[] DEFAULT '{}'::cidr[] NOT NULL,
    allowed_ports integer[] DEFAULT '{}'::integer[] NOT NULL,
    ca_certificates text,
    client_certificate text,
    client_private_key risc.sealed,
    token_request jsonb,
    events_requested text[],
    status text DEFAULT 'enabled'::text NOT NULL,
    status_reason text,
    status_changed_at timestamp with time zone DEFAULT now() NOT NULL,
    status_changed_by text,
    ordering text DEFAULT 'subject'::text NOT NULL,
    max_in_flight integer DEFAULT 50 NOT NULL,
    rate_limit integer DEFAULT 1000 NOT NULL,
    rate_interval interval DEFAULT '00:01:00'::interval NOT NULL,
    rate_burst integer GENERATED ALWAYS AS (GREATEST((rate_limit / 10), 1)) STORED NOT NULL,
    rate_spacing interval GENERATED ALWAYS AS (((rate_interval / (((rate_limit - GREATEST((rate_limit / 10), 1)) + 1))::double precision) + '00:00:00.000001'::interval)) STORED NOT NULL,
    timeout_ms integer DEFAULT 3000 NOT NULL,
    retry_delays_ms integer[] DEFAULT '{10000,60000,600000,3600000}'::integer[] NOT NULL,
    max_age interval DEFAULT '72:00:00'::interval NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT allowed_networks_are_named CHECK ((array_position(allowed_networks, NULL::cidr) IS NULL)),
    CONSTRAINT allowed_ports_are_ports CHECK (((0 < ALL (allowed_ports)) AND (65536 > ALL (allowed_ports)) AND (array_position(allowed_ports, NULL::integer) IS NULL))),
    CONSTRAINT audience_is_not_empty CHECK (((cardinality(audience) > 0) AND (array_position(audience, NULL::text) IS NULL))),
    CONSTRAINT ca_certificates_are_few CHECK ((octet_length(ca_certificates) <= 32768)),
    CONSTRAINT client_certificate_has_its_key CHECK (((client_certificate IS NULL) = (client_private_key IS NULL))),
    CONSTRAINT client_certificate_is_short CHECK ((octet_length(client_certificate) <= 16384)),
    CONSTRAINT endpoint_url_is_http CHECK ((endpoint_url ~ '^https?://'::text)),
    CONSTRAINT max_age_is_positive CHECK ((max_age > '00:00:00'::interval)),
    CONSTRAINT max_in_flight_is_positive CHECK ((max_in_flight > 0)),
    CONSTRAINT ordering_is_known CHECK ((ordering = ANY (ARRAY['subject'::text, 'none'::text]))),
    CONSTRAINT profile_is_known CHECK ((profile = ANY (ARRAY['ssf'::text, 'login.gov'::text]))),
    CONSTRAINT rate_interval_is_positive CHECK ((rate_interval > '00:00:00'::interval)),
    CONSTRAINT rate_limit_is_positive CHECK ((rate_limit > 0)),
    CONSTRAINT retry_delays_are_not_negative CHECK (((0 <= ALL (retry_delays_ms)) AND (array_position(retry_delays_ms, NULL::integer) IS NULL))),
    CONSTRAINT status_changed_by_is_bounded CHECK (((char_length(status_changed_by) >= 1) AND (char_length(status_changed_by) <= 200))),
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['enabled'::text, 'paused'::text, 'disabled'::text]))),
    CONSTRAINT stream_id_is_unreserved CHECK ((id ~ '^[A-Za-z0-9._~-]{1,64}$'::text)),
    CONSTRAINT timeout_is_sane CHECK (((timeout_ms >= 100) AND (timeout_ms <= 60000))),
    CONSTRAINT token_request_has_its_secret CHECK (((token_request IS NULL) OR (credential IS NOT NULL))),
    CONSTRAINT token_request_is_complete CHECK (((jsonb_typeof(token_request) = 'object'::text) AND (token_request ?& '{token_endpoint,client_id,client_authentication}'::text[]) AND ((token_request - '{token_endpoint,client_id,client_authentication,scope,resource,audience}'::text[]) = '{}'::jsonb) AND (NOT jsonb_path_exists(token_request, '$.*?(@.type() != "string" || @ == "")'::jsonpath)) AND ((token_request ->> 'token_endpoint'::text) ~ '^https?://'::text) AND ((token_request ->> 'client_authentication'::text) = ANY (ARRAY['client_secret_basic'::text, 'client_secret_post'::text])) AND (octet_length((token_request)::text) <= 4096)))
);

--
-- Name: discard_disabled(integer); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.discard_disabled(p_limit integer) RETURNS integer
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT (COALESCE(sum(risc.discard_waiting(s.id, discard_disabled.p_limit)), (0)::bigint))::integer AS "coalesce"
    FROM ( SELECT s_1.id
            FROM risc.streams s_1
           WHERE ((s_1.status = 'disabled'::text) AND (EXISTS ( SELECT
                    FROM risc.deliveries q
                   WHERE ((q.stream_id = s_1.id) AND (q.state = 'queued'::text) AND (NOT q.urgent)))))
          LIMIT 5) s;
END;

--
-- Name: discard_old_dead(integer, integer); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.discard_old_dead(p_days integer, p_limit integer) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
  v_old bigint[] := array(
    select d.id from risc.deliveries d
    where d.state = 'dead' and d.dead_at < risc.kept_since(p_days) order by d.dead_at limit p_limit);
begin
  return (select count(*) from risc.discard_deliveries(array(
    select d.id from risc.deliveries d
    where d.id = any (v_old) and d.state = 'dead' and d.dead_at < risc.kept_since(p_days)
    order by d.id for update skip locked), 'retention'));
end $$;

--
-- Name: discard_stream(text, text, integer); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.discard_stream(p_stream_id text, p_reason text, p_limit integer) RETURNS TABLE(queued bigint, dead bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
  v_locked bigint[];
begin
  delete from risc.inflight i where i.ticket = any (array(
    select u.ticket from risc.inflight u
    where u.stream_id = p_stream_id and u.worker_id is null order by u.ticket for update));
  if exists (
    select from risc.urgent u join risc.deliveries d on d.id = u.delivery_id
    where u.stream_id = p_stream_id and (select true from risc.inflight i where i.delivery_id = d.id) is null
  ) then
    perform pg_advisory_xact_lock(hashtextextended('risc.dispatch', 0)); -- it is handed over whatever the status
  end if;
  select coalesce(array_agg(l.id), '{}'), count(*) filter (where l.state = 'queued'), count(*) filter (where l.state = 'dead')
  into v_locked, queued, dead
  from (
    select d.id, d.state from risc.deliveries d
    where d.id = any (array(
        (select q.id from risc.deliveries q
         where q.stream_id = p_stream_id and q.state = 'queued' order by q.due_at, q.id limit p_limit)
        union all
        (select q.id from risc.deliveries q
         where q.stream_id = p_stream_id and q.state = 'dead' order by q.stream_id, q.id limit p_limit)))
      and (select true from risc.inflight i where i.delivery_id = d.id) is null
    order by d.id for update skip locked) l;
  perform risc.discard_deliveries(v_locked, p_reason);
  return next;
end $$;

--
-- Name: dispatch(); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.dispatch() RETURNS TABLE(handed integer, took_ms double precision)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
  v_deliveries bigint[];
  v_streams text[];
  v_firsts timestamptz[];
  v_first_ids bigint[];
  v_probes boolean[];
  v_tickets bigint[];
begin
  if not pg_try_advisory_xact_lock(hashtextextended('risc.dispatch', 0)) then
    return;
  end if;
  perform risc.raise_low_ticket();
  if exists (select from risc.due_streams()) or exists (select from risc.urgent) then
    select array_agg(c.delivery_id), array_agg(c.stream_id), array_agg(c.first_due_at), array_agg(c.first_id),
      array_agg(c.probe), array_agg(nextval('risc.inflight_ticket_seq'))
    into v_deliveries, v_streams, v_firsts, v_first_ids, v_probes, v_tickets
    from risc.choose() c;
  end if;
  if v_tickets is not null then
    insert into risc.inflight (ticket, delivery_id, stream_id, probe, job_id) overriding system value
    select j.ticket, h.delivery_id, h.stream_id, h.probe, j.job_id
    from unnest(v_tickets, v_deliveries, v_streams, v_probes) h (ticket, delivery_id, stream_id, probe)
    join risc.add_jobs(v_tickets) j on j.ticket = h.ticket;

    perform risc.charge(v_streams, v_firsts, v_first_ids);
  end if;
  handed := coalesce(cardinality(v_tickets), 0);
  perform risc.note_in_flight(handed);
  took_ms := extract(epoch from clock_timestamp() - statement_timestamp()) * 1000;
  return next;
end $$;

--
-- Name: drop_old_partition(text, integer); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.drop_old_partition(p_parent text, p_days integer) RETURNS text
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '100ms'
    AS $_$
declare
  v_name text;
  v_end timestamptz;
begin
  select p.name, p.ends_at into v_name, v_end
  from (
    select c.relname as name, (to_date(substring(c.relname from '_(\d{8})$'), 'YYYYMMDD') + 1)::timestamp at time zone 'UTC' as ends_at
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = format('risc.%I', p_parent)::regclass) p
  where p.ends_at <= risc.kept_since(p_days)
  order by p.ends_at limit 1;
  if found then
    execute format('drop table risc.%I', v_name);
    update risc.forgotten set history_before = greatest(history_before, v_end) where p_parent = 'history';
  end if;
  return v_name;
exception when lock_not_available then
  return null;
end $_$;

--
-- Name: due_before(text, timestamp with time zone, bigint); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.due_before(p_stream_id text, p_due_at timestamp with time zone, p_id bigint) RETURNS integer
    LANGUAGE sql STABLE
    AS $$
  select count(*)::integer from (
    select from risc.deliveries q
    where q.stream_id = p_stream_id and q.state = 'queued' and (q.due_at, q.id) < (p_due_at, p_id) and not q.urgent
      and (select true from risc.inflight i where i.delivery_id = q.id) is null
    order by q.due_at, q.id limit 10001) q;
$$;

--
-- Name: due_streams(text, text); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.due_streams(p_from text DEFAULT ''::text, p_before text DEFAULT chr(127)) RETURNS TABLE(stream_id text, first_due_at timestamp with time zone, first_id bigint)
    LANGUAGE sql STABLE
    AS $$
  select d.* from risc.survey_due_streams(p_from, p_before) d
  where not (select s.from_marks from risc.survey s)
  union all
  select s.id, f.due_at, f.id
  from risc.streams s cross join lateral (
    select p.low_due_at, p.low_id from risc.pace p
    where p.stream_id = s.id order by p.stream_id, p.paid_at desc limit 1) p
  cross join lateral (
    select d.due_at, d.id from risc.deliveries d
    where d.stream_id = s.id and d.state = 'queued' and (d.due_at, d.id) >= (coalesce(p.low_due_at, '-infinity'), p.low_id)
    order by d.due_at, d.id limit 1) f
  where f.due_at <= now() and (select s.from_marks from risc.survey s) and s.id >= p_from and s.id < p_before;
$$;

--
-- Name: enqueue(text, jsonb); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.enqueue(p_transaction_name text, p_deliveries jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
begin
  if p_transaction_name is distinct from risc.transaction_name() then
    raise exception 'risc.enqueue must run in the transaction that asked for the recipients'
      using errcode = 'no_active_sql_transaction';
  end if;
  with recorded as (
    insert into risc.deliveries (stream_id, jti, txn, event_type, kid, order_key, urgent, traceparent, signed_set)
    select d.stream_id, d.jti, d.txn, d.event_type, d.kid, d.order_key,
      coalesce(d.urgent and risc.is_about_stream(d.event_type), false),
      case when risc.is_traceparent(d.traceparent) then d.traceparent end, d.signed_set
    from jsonb_to_recordset(p_deliveries) as d (
      stream_id text, jti text, txn text, event_type text, kid text, order_key bigint, urgent boolean, traceparent text,
      signed_set text)
    returning id, stream_id, urgent
  )
  insert into risc.urgent (delivery_id, stream_id) select r.id, r.stream_id from recorded r where r.urgent;
end $$;

--
-- Name: erase_deliveries(bigint[]); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.erase_deliveries(p_deliveries bigint[]) RETURNS TABLE(delivery_id bigint, was text)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
  v_unclaimed bigint[];
  v_free bigint[];
begin
  perform pg_advisory_xact_lock(hashtextextended('risc.dispatch', 0)); -- or a pass under way may hand one of them over
  v_unclaimed := array(
    select i.ticket from risc.inflight i
    where i.delivery_id = any (p_deliveries) and i.worker_id is null
    order by i.ticket for update skip locked);
  v_free := array(
    select d.id from risc.deliveries d
    where d.id = any (p_deliveries)
      and (select true from risc.inflight i where i.delivery_id = d.id and i.ticket <> all (v_unclaimed)) is null
    order by d.id for update skip locked);
  return query
  select d.id, case
    when d.id <> all (v_free) then 'claimed'
    when d.state = 'dead' then 'dead'
    when (select true from risc.inflight i where i.delivery_id = d.id) then 'dispatched'
    else 'queued' end
  from risc.deliveries d where d.id = any (p_deliveries);

  delete from risc.inflight i where i.ticket = any (v_unclaimed) and i.delivery_id = any (v_free);
  update risc.attempts a set description = null
  where a.description is not null and a.jti = any (array(
    select d.jti from risc.deliveries d where d.id = any (v_free) and d.last_attempt_at is not null));
  perform risc.discard_deliveries(v_free, 'erased');
end $$;

--
-- Name: expire(integer); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.expire(p_limit integer) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
  v_count integer;
begin
  with expired as (
    select d.id from risc.deliveries d
    where d.state = 'queued' and d.id = any (array(
      select o.id from risc.due_streams() w
      join risc.streams s on s.id = w.stream_id
      cross join lateral (
        select bool_or(risc.expires_at(s.profile, s.max_age, f.created_at, f.retried_at) <= now()) as some
        from (select q.created_at, q.retried_at from risc.deliveries q
              where q.stream_id = w.stream_id and q.state = 'queued'
                and (q.due_at, q.id) >= (w.first_due_at, w.first_id) and q.due_at <= now()
              order by q.due_at, q.id limit 10) f) first
      cross join lateral (
        select q.id, q.created_at, q.retried_at from risc.deliveries q
        where q.stream_id = w.stream_id and q.state = 'queued'
          and (q.due_at, q.id) >= (w.first_due_at, w.first_id) and q.due_at <= now()
        order by q.due_at, q.id limit case when first.some then 1000 else 0 end) o
      where risc.expires_at(s.profile, s.max_age, o.created_at, o.retried_at) <= now()
        and (select true from risc.inflight i where i.delivery_id = o.id) is null
      limit p_limit))
    order by d.id for update skip locked
  )
  update risc.deliveries d set state = 'dead', dead_because = 'expired', dead_at = now(),
    last_reason = coalesce(d.last_reason, 'too_old')
  from expired e where d.id = e.id;
  get diagnostics v_count = row_count;
  return v_count;
end $$;

--
-- Name: expires_at(text, interval, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.expires_at(p_profile text, p_max_age interval, p_created_at timestamp with time zone, p_retried_at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    RETURN LEAST((COALESCE(p_retried_at, p_created_at) + p_max_age), CASE p_profile WHEN 'login.gov'::text THEN (p_created_at + '12:00:00'::interval) ELSE NULL::timestamp with time zone END);

--
-- Name: fits(risc.deliveries, risc.dead_filter); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.fits(p_delivery risc.deliveries, p_filter risc.dead_filter) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN (((p_delivery).state = 'dead'::text) AND (((p_filter).stream_id IS NULL) OR ((p_delivery).stream_id = (p_filter).stream_id)) AND (((p_filter).event_type IS NULL) OR ((p_delivery).event_type = (p_filter).event_type)) AND (((p_filter).reason IS NULL) OR ((p_filter).reason = ANY (ARRAY[(p_delivery).dead_because, (p_delivery).last_reason]))) AND (((p_filter).since IS NULL) OR ((p_delivery).dead_at >= (p_filter).since)) AND (((p_filter).until IS NULL) OR ((p_delivery).dead_at <= (p_filter).until)));

--
-- Name: grant_rights(text, name); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.grant_rights(p_grant text, p_role name) RETURNS SETOF text
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
end $_$;

--
-- Name: hand_back(uuid, bigint[]); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.hand_back(p_worker_id uuid, p_tickets bigint[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_count integer;
begin
  with mine as (
    select i.ticket from risc.inflight i
    where i.ticket = any (p_tickets) and i.worker_id = p_worker_id order by i.ticket for update
  )
  delete from risc.inflight i using mine m where i.ticket = m.ticket;
  get diagnostics v_count = row_count;
  return v_count;
end $$;

--
-- Name: history_since(); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.history_since() RETURNS timestamp with time zone
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
  select min(to_date(substring(c.relname from '^history_(\d{8})$'), 'YYYYMMDD'))::timestamp at time zone 'UTC'
  from pg_inherits n join pg_class c on c.oid = n.inhrelid
  where n.inhparent = 'risc.history'::regclass;
$_$;

--
-- Name: is_about_stream(text); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.is_about_stream(p_event_type text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN (p_event_type = ANY (ARRAY['https://schemas.openid.net/secevent/ssf/event-type/stream-updated'::text, 'https://schemas.openid.net/secevent/ssf/event-type/verification'::text]));

--
-- Name: kept_since(integer); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.kept_since(p_days integer) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    RETURN (now() - ((p_days)::double precision * '24:00:00'::interval));

--
-- Name: key_usage(interval); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.key_usage(p_recent interval DEFAULT '24:00:00'::interval) RETURNS TABLE(kid text, unsettled bigint, dead bigint, accepted_recently bigint, last_accepted_at timestamp with time zone, needed_until timestamp with time zone, retired_at timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS $$
  with owed as (
    select d.kid,
      count(*) filter (where d.state = 'queued') as unsettled,
      count(*) filter (where d.state = 'dead') as dead,
      max(risc.expires_at(s.profile, s.max_age, d.created_at, d.retried_at)) filter (where d.state = 'queued') as expires_at
    from risc.deliveries d join risc.streams s on s.id = d.stream_id
    group by d.kid
  ), accepted as (
    select h.kid, count(*) as count, max(h.settled_at) as last_at
    from risc.history h
    where h.outcome = 'accepted' and h.settled_at > (select risc.recent_since(p_recent))
    group by h.kid
  )
  select kid, coalesce(o.unsettled, 0), coalesce(o.dead, 0), coalesce(a.count, 0), a.last_at,
    greatest(o.expires_at, a.last_at + p_recent), r.retired_at
  from owed o full join accepted a using (kid) full join risc.retired_keys r using (kid)
  order by kid;
$$;

--
-- Name: learn(jsonb); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.learn(p_lessons jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_nestloop TO 'on'
    SET plan_cache_mode TO 'force_generic_plan'
    SET lock_timeout TO '250ms'
    AS $$
declare
  v_locked text[];
begin
  v_locked := array(
    select f.stream_id from risc.flow f
    join risc.streams s on s.id = f.stream_id
    join jsonb_to_recordset(p_lessons)
      as l (stream_id text, answered boolean, slow boolean, waits_ms float8, certificate_expires_at timestamptz)
      on l.stream_id = f.stream_id
    where f.stream_id = any (array(select r ->> 'stream_id' from jsonb_array_elements(p_lessons) r)) and (
      not l.answered or l.waits_ms is not null or l.slow <> f.slow
      or f.failures > 0 or f.ramp < s.max_in_flight or f.open_until is not null
      or coalesce(l.certificate_expires_at, f.certificate_expires_at) is distinct from f.certificate_expires_at)
    order by f.stream_id for update of f);
  if cardinality(v_locked) = 0 then
    return;
  end if;

  update risc.flow f
  set failures = 0, openings = 0, open_until = null, open_because = null,
      closed_at = case when f.open_until is null then f.closed_at else now() end,
      ramp = least(2 * f.ramp, s.max_in_flight), slow = coalesce(l.slow, f.slow)
  from risc.streams s, jsonb_to_recordset(p_lessons) as l (stream_id text, answered boolean, slow boolean, waits_ms float8)
  where f.stream_id = any (v_locked) and l.stream_id = f.stream_id and l.answered and l.waits_ms is null
    and s.id = f.stream_id;

  update risc.flow f
  set failures = f.failures + 1,
      ramp = case
        when t.reason in ('proxy_failed', 'token_unavailable') then f.ramp
        else greatest(least(f.ramp, t.max_in_flight) / 2, 1)
      end,
      openings = f.openings + (t.opens and t.is_no_wish and t.reason is distinct from 'proxy_failed')::integer,
      open_until = case when t.opens then now() + t.pause else f.open_until end,
      open_because = case when t.opens then t.reason else f.open_because end
  from (
    select p.*,
      case when p.open_until > now() then p.waits_ms is not null and now() + p.pause > p.open_until
        else p.open_until is not null or p.holds is not null or p.waits_ms is not null or p.failures >= 4 end as opens
    from (
      select g.*, s.max_in_flight, l.holds, l.waits_ms, coalesce(l.holds, l.troubled) as reason, n.is_no_wish,
        least(greatest(
          l.waits_ms / 1000,
          case when n.is_no_wish then case when l.holds is null then 10 else 60 end * 2 ^ least(g.openings, 10) else 1 end
        ), 600) * interval '1 second' as pause
      from risc.flow g
      join risc.streams s on s.id = g.stream_id
      join jsonb_to_recordset(p_lessons)
        as l (stream_id text, answered boolean, troubled text, holds text, waits_ms float8) on l.stream_id = g.stream_id
      -- A first wish is granted as it is; one in answer to a probe is trouble that goes on.
      cross join lateral (select l.waits_ms is null or coalesce(g.open_until <= now(), false) as is_no_wish) n
      where g.stream_id = any (v_locked) and (not l.answered or l.waits_ms is not null)) p
  ) t
  where f.stream_id = t.stream_id;

  update risc.flow f set certificate_expires_at = l.certificate_expires_at
  from jsonb_to_recordset(p_lessons) as l (stream_id text, certificate_expires_at timestamptz)
  where f.stream_id = any (v_locked) and l.stream_id = f.stream_id
    and l.certificate_expires_at is not null and l.certificate_expires_at is distinct from f.certificate_expires_at;
exception when lock_not_available then
  null;
end $$;

--
-- Name: leave(uuid, text[]); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.leave(p_worker_id uuid, p_pool_ids text[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_requeued integer;
begin
  v_requeued := risc.hand_back(p_worker_id, array(select i.ticket from risc.inflight i where i.worker_id = p_worker_id));
  delete from risc.workers w where w.id = p_worker_id;
  perform risc_worker.force_unlock_workers(p_pool_ids);
  return v_requeued;
end $$;

--
-- Name: lifeline(uuid); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.lifeline(p_worker_id uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    RETURN hashtextextended(('risc.worker '::text || p_worker_id), (0)::bigint);

--
-- Name: subjects; Type: TABLE; Schema: risc; Owner: -
--

CREATE TABLE risc.subjects (
    user_id text NOT NULL,
    stream_id text NOT NULL COLLATE pg_catalog."C",
    subject jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT subject_has_a_format CHECK (((jsonb_typeof(subject) = 'object'::text) AND (jsonb_typeof((subject -> 'format'::text)) = 'string'::text)))
);

--
-- Name: link(text, text, jsonb); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.link(p_user_id text, p_stream_id text, p_subject jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 INSERT INTO risc.subjects (user_id, stream_id, subject)
   VALUES (link.p_user_id, link.p_stream_id, link.p_subject) ON CONFLICT(user_id, stream_id) DO UPDATE SET subject = excluded.subject;
END;

--
-- Name: maintain(double precision); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.maintain(p_answered_for_ms double precision) RETURNS TABLE(dead_workers integer, requeued integer, unlocked_pools integer, removed_jobs integer, needs_vacuum boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS $$
declare
  v_steady_for interval := least(p_answered_for_ms * interval '1 millisecond', now() - risc.server_started_at());
  v_dead text[];
  v_pools text[];
  v_jobs bigint[];
begin
  if not pg_try_advisory_xact_lock(hashtextextended('risc.maintain', 0)) then
    return;
  end if;

  v_dead := array(select risc.remove_dead_workers(v_steady_for));
  dead_workers := cardinality(v_dead);

  v_pools := array(
    select distinct j.locked_by from risc_worker.jobs j
    where (j.locked_at < now() - interval '5 seconds' or j.locked_by = any (v_dead))
      and not exists (select from risc.workers w where w.pool_id = j.locked_by));
  unlocked_pools := cardinality(v_pools);
  if unlocked_pools > 0 then
    perform risc_worker.force_unlock_workers(v_pools);
  end if;

  v_jobs := array(
    select j.id from risc_worker.jobs j
    where j.task_identifier = 'risc.deliver' and j.locked_at is null and j.attempts >= j.max_attempts limit 1000);
  removed_jobs := cardinality(v_jobs);
  if removed_jobs > 0 then
    perform risc_worker.complete_jobs(v_jobs);
  end if;

  requeued := risc.requeue_lost(1000, v_steady_for > risc.worker_ttl());
  needs_vacuum := risc.needs_vacuum('risc.inflight');

  begin
    perform set_config('lock_timeout', '100ms', true);
    perform risc.make_partitions();
  exception when lock_not_available then
    null; -- somebody reads all of history, as a dump does: there is a week to try again
  end;
  return next;
end $$;

--
-- Name: make_partitions(integer); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.make_partitions(p_days integer DEFAULT 7) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $_$
declare
  v_parent text;
  v_day date;
  v_name text;
  v_overflows boolean;
  v_made integer := 0;
begin
  perform pg_advisory_xact_lock(hashtextextended('risc.make_partitions', 0));
  foreach v_parent in array array['history', 'attempts'] loop
    for v_day in select generate_series(current_date, current_date + p_days, interval '1 day') loop
      v_name := v_parent || '_' || to_char(v_day, 'YYYYMMDD');
      continue when to_regclass('risc.' || v_name) is not null;
      execute format(
        'select exists (select from risc.%I where %I >= $1 and %2$I < $1 + 1)',
        v_parent || '_overflow', case v_parent when 'history' then 'settled_at' else 'ended_at' end
      ) into v_overflows using v_day;
      continue when v_overflows;
      execute format('create table risc.%I (like risc.%I including defaults including constraints)', v_name, v_parent);
      execute format('alter table risc.%I attach partition risc.%I for values from (%L) to (%L)', v_parent, v_name, v_day, v_day + 1);
      v_made := v_made + 1;
    end loop;
  end loop;
  return v_made;
end $_$;

--
-- Name: missing_rights(text, name); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.missing_rights(p_grant text, p_role name) RETURNS TABLE(privilege text, kind text, object text, columns text[])
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

--
-- Name: needs_vacuum(regclass); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.needs_vacuum(p_table regclass) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN ((pg_stat_get_dead_tuples((p_table)::oid) > 5000) AND COALESCE((GREATEST(pg_stat_get_last_vacuum_time((p_table)::oid), pg_stat_get_last_autovacuum_time((p_table)::oid)) < (now() - ((LEAST(((pg_stat_get_dead_tuples((p_table)::oid))::numeric / 10000.0), (60)::numeric))::double precision * '00:00:01'::interval))), true));

--
-- Name: not_waited_for(timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.not_waited_for(p_open_until timestamp with time zone, p_closed_at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    RETURN CASE WHEN ((p_open_until IS NOT NULL) OR (p_closed_at > (now() - '00:05:00'::interval))) THEN '-infinity'::timestamp with time zone ELSE (now() - '00:05:00'::interval) END;

--
-- Name: note_in_flight(integer); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.note_in_flight(p_handed integer) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_old bigint := (select l.last_value from risc.lately_in_flight l);
  v_new bigint := v_old * 49 / 50;
begin
  if p_handed > 0 then
    v_new := greatest(v_new, (
      select count(*) from risc.inflight i where i.ticket >= (select l.last_value from risc.low_ticket l)));
  end if;
  if v_new <> v_old then
    perform setval('risc.lately_in_flight', v_new);
  end if;
end $$;

--
-- Name: plan_redrive(risc.dead_filter, double precision); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.plan_redrive(p_filter risc.dead_filter, p_per_second double precision DEFAULT NULL::double precision) RETURNS TABLE(stream_id text, first_id bigint, total bigint, exp_passed bigint, stream_disabled bigint, about_stream bigint, to_send bigint, per_second double precision)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select c.*, c.total - c.exp_passed - c.stream_disabled - c.about_stream,
    coalesce(p_per_second, least(s.rate_limit / extract(epoch from s.rate_interval) / 4, 50)::double precision)
  from risc.count_dead(p_filter) c join risc.streams s on s.id = c.stream_id;
$$;

--
-- Name: probe(text); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.probe(p_stream_id text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  update risc.flow f set open_until = now() where f.stream_id = p_stream_id and f.open_until > now();
  return found;
end $$;

--
-- Name: probe_mended_stream(); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.probe_mended_stream() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if current_setting('risc.is_reseal', true) is distinct from 'on' then
    perform risc.probe(new.id);
  end if;
  return null;
end $$;

--
-- Name: quotes(text, text[]); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.quotes(p_text text, p_words text[]) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
  select exists (
    select from unnest(p_words) w
    where case when strpos(lower(p_text), lower(w)) > 0
      then p_text ~* ('(^|[^[:alnum:]])' || regexp_replace(w, '([^[:alnum:]])', '\\\1', 'g') || '($|[^[:alnum:]])') end);
$_$;

--
-- Name: raise_low_ticket(); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.raise_low_ticket() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_old bigint := (select l.last_value from risc.low_ticket l);
  v_new bigint := coalesce(
    (select i.ticket from risc.inflight i where i.ticket >= v_old order by i.ticket limit 1),
    (select s.last_value from risc.inflight_ticket_seq s));
begin
  if v_new > v_old + 100 then
    perform setval('risc.low_ticket', v_new);
  end if;
end $$;

--
-- Name: rate_room_at(text); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.rate_room_at(p_stream_id text) RETURNS timestamp with time zone
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select p.paid_at - (s.rate_burst - 1) * s.rate_spacing
  from risc.streams s join risc.pace p on p.stream_id = s.id
  where s.id = p_stream_id order by p.stream_id, p.paid_at desc limit 1;
$$;

--
-- Name: ready(text, boolean, timestamp with time zone, timestamp with time zone, bigint, integer, integer); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.ready(p_stream_id text, p_ordered boolean, p_failed_by timestamp with time zone, p_from timestamp with time zone, p_from_id bigint, p_room integer, p_look integer) RETURNS SETOF bigint
    LANGUAGE sql STABLE ROWS 20
    AS $$
  select d.id
  from (select q.id, q.due_at, q.order_key from risc.deliveries q
        where q.stream_id = p_stream_id and q.state = 'queued' and (q.due_at, q.id) >= (p_from, p_from_id)
          and q.due_at <= now() and not q.urgent
        order by q.due_at, q.id limit p_look) d
  where case
    when (select true from risc.inflight i where i.delivery_id = d.id) then false -- most are: asked first
    else not p_ordered or d.order_key is null or (
      select true from risc.deliveries e
      where e.stream_id = p_stream_id and e.order_key = d.order_key and e.state = 'queued' and e.id < d.id
        and (e.first_failed_at is null or e.first_failed_at > p_failed_by)
      order by e.order_key, e.id limit 1) is null
  end
  limit p_room;
$$;

--
-- Name: ready_elsewhere(text, timestamp with time zone, integer); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.ready_elsewhere(p_stream_id text, p_failed_by timestamp with time zone, p_room integer) RETURNS SETOF bigint
    LANGUAGE sql ROWS 20
    AS $$
  with recursive visited as (
    select s.key as start, n.order_key, 1 as number
    from (values ((random() * 1.8e19 - 9e18)::bigint), (-9223372036854775808)) s (key) cross join lateral (
      select d.order_key from risc.deliveries d
      where d.stream_id = p_stream_id and d.state = 'queued' and d.order_key >= s.key
      order by d.order_key, d.id limit 1) n
    union all
    select v.start, n.order_key, v.number + 1 from visited v cross join lateral (
      select d.order_key from risc.deliveries d
      where d.stream_id = p_stream_id and d.state = 'queued' and d.order_key > v.order_key
      order by d.order_key, d.id limit 1) n
    where v.number < 100
  ), first_of_user as (
    select c.* from (select distinct v.order_key from visited v) u cross join lateral (
      (select d.id, d.due_at from risc.deliveries d
       where d.stream_id = p_stream_id and d.order_key = u.order_key and d.state = 'queued'
         and (d.first_failed_at is null or d.first_failed_at > p_failed_by)
       order by d.order_key, d.id limit 1)
      union all
      select f.id, f.due_at from (
        select d.id, d.due_at, d.first_failed_at from risc.deliveries d
        where d.stream_id = p_stream_id and d.order_key = u.order_key and d.state = 'queued'
        order by d.order_key, d.id limit 4) f
      where f.first_failed_at <= p_failed_by) c
  )
  select f.id from first_of_user f
  where f.due_at <= now() and (select true from risc.inflight i where i.delivery_id = f.id) is null
  limit p_room;
$$;

--
-- Name: recent_since(interval); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.recent_since(p_recent interval) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_complete_since timestamptz := (select f.history_before from risc.forgotten f);
begin
  if now() - p_recent < v_complete_since then
    raise exception 'nobody can tell what was accepted so long ago: history is kept since %',
      to_char(v_complete_since at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')
      using errcode = 'object_not_in_prerequisite_state';
  end if;
  return now() - p_recent;
end $$;

--
-- Name: recipients(jsonb); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.recipients(p_requests jsonb) RETURNS TABLE(request integer, stream_id text, profile text, audience text[], encryption_key risc.public_jwk, subject jsonb, transaction_name text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
begin
  return query
  select (r.ordinality - 1)::integer, s.id::text, s.profile, s.audience, s.encryption_key, k.subject,
    risc.transaction_name()
  from jsonb_array_elements(p_requests) with ordinality r
  left join risc.subjects k on k.user_id = r.value ->> 'user'
  left join risc.streams s on s.id = coalesce(r.value ->> 'stream_id', k.stream_id)
  where case
    when s.id is not null
      then s.status <> 'disabled' and (s.events_requested is null or r.value ->> 'event_type' = any (s.events_requested))
    when r.value ? 'stream_id' then risc.refuse_unknown_stream(r.value ->> 'stream_id')
  end
  order by r.ordinality, s.id;
end $$;

--
-- Name: redrive(); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.redrive() RETURNS TABLE(released integer, skipped integer, running integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
begin
  if not pg_try_advisory_xact_lock(hashtextextended('risc.redrive', 0)) then
    return;
  end if;
  released := 0;
  skipped := 0;
  if exists (select from risc.redrive_streams r where r.state = 'running') then
    select coalesce(sum(r.released), 0), coalesce(sum(r.skipped), 0) into released, skipped
    from risc.redrive_rooms() m cross join lateral risc.release(m.redrive_id, m.stream_id, m.room) r;
  end if;
  running := (select count(*) from risc.redrive_streams r where r.state = 'running');
  return next;
end $$;

--
-- Name: redrive_rooms(); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.redrive_rooms() RETURNS TABLE(redrive_id bigint, stream_id text, room integer)
    LANGUAGE sql
    AS $$
  with held as (
    select i.stream_id, count(*)::integer as held, count(*) filter (where i.worker_id is null) as unclaimed
    from risc.inflight i where i.ticket >= (select l.last_value from risc.low_ticket l) group by i.stream_id
  ), due as materialized (
    select * from risc.due_streams()
  ), wish as materialized (
    select r.redrive_id, r.stream_id, least(
      floor(extract(epoch from least(now() - r.next_at, interval '1 second')) * r.per_second) + 1,
      w.size - w.size / 2 - o.owed,
      s.rate_burst - s.rate_burst / 2 - (o.owed - o.held) - ceil(greatest(extract(epoch from (
          select p.paid_at from risc.pace p where p.stream_id = r.stream_id order by p.stream_id, p.paid_at desc limit 1
        ) - now()), 0) / extract(epoch from s.rate_spacing))
    ) as room, o.owed - o.held as waiting
    from risc.redrive_streams r
    join risc.streams s on s.id = r.stream_id
    join risc.flow f on f.stream_id = r.stream_id
    left join due d on d.stream_id = r.stream_id
    left join held h on h.stream_id = r.stream_id
    cross join lateral (
      select case when f.open_until is null then least(s.max_in_flight, f.ramp) when f.open_until <= now() then 1 else 0 end
        as size) w
    cross join lateral (
      select coalesce(h.held, 0) as held, greatest(coalesce(h.held, 0), (
        select count(*) from (
          select from risc.deliveries q
          where q.stream_id = r.stream_id and q.state = 'queued'
            and (q.due_at, q.id) >= (d.first_due_at, d.first_id) and q.due_at <= now()
          order by q.due_at, q.id limit w.size) q)) as owed) o
    where r.state = 'running' and r.next_at <= now() and s.status = 'enabled'
  ), fleet as (
    select least(
      floor(sum(w.slots) * 0.75) - (select coalesce(sum(h.held), 0) from held h),
      risc.redrives_per_second() / 10 - (select coalesce(sum(h.unclaimed), 0) from held h)
        - (select coalesce(sum(w.waiting), 0) from wish w)) as free
    from risc.workers w where w.beat_at > now() - risc.worker_ttl()
  ), turn as (
    select w.*, sum(w.room) over (order by random(), w.stream_id rows unbounded preceding) as together
    from wish w where w.room >= 1
  )
  select t.redrive_id, t.stream_id, least(t.room, f.free - t.together + t.room)::integer
  from turn t cross join fleet f where f.free - t.together + t.room >= 1;
$$;

--
-- Name: worker_ttl(); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.worker_ttl() RETURNS interval
    LANGUAGE sql IMMUTABLE
    RETURN '00:00:15'::interval;

--
-- Name: workers; Type: TABLE; Schema: risc; Owner: -
--

CREATE TABLE risc.workers (
    id uuid NOT NULL,
    name text NOT NULL,
    slots integer NOT NULL,
    pool_id text,
    has_lifeline boolean DEFAULT false NOT NULL,
    dispatched_at timestamp with time zone,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    beat_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT slots_are_positive CHECK ((slots > 0))
)
WITH (fillfactor='50');

--
-- Name: redrives_per_second(); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.redrives_per_second() RETURNS double precision
    LANGUAGE sql STABLE
    RETURN (SELECT ((10)::numeric * GREATEST(floor(((sum(w.slots))::numeric / 64.0)), (1)::numeric)) FROM risc.workers w WHERE (w.beat_at > (now() - risc.worker_ttl())) HAVING (count(*) > 0));

--
-- Name: refuse_unknown_stream(text); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.refuse_unknown_stream(p_stream_id text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  raise exception 'there is no stream %', p_stream_id using errcode = 'foreign_key_violation';
end $$;

--
-- Name: refuse_update(); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.refuse_update() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  raise exception '%.% of a row never changes', tg_table_name, tg_argv[0] using errcode = 'integrity_constraint_violation';
end $$;

--
-- Name: release(bigint, text, integer); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.release(p_redrive_id bigint, p_stream_id text, p_room integer) RETURNS TABLE(released integer, skipped integer)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_look constant integer := 5000;
  v_filter constant risc.dead_filter := (
    select row (p.stream_id, p.event_type, p.reason, p.since, p.until)::risc.dead_filter
    from risc.redrives p where p.id = p_redrive_id);
  v_from bigint;
  v_upto bigint;
  v_more boolean;
  v_sendable bigint[];
  v_sent bigint[];
  v_busy bigint;
begin
  select r.after_id into v_from from risc.redrive_streams r
  where r.redrive_id = p_redrive_id and r.stream_id = p_stream_id and r.state = 'running' for update skip locked;
  if not found then
    return;
  end if;

  v_sendable := array(
    select l.id from (
      select d.id,
        risc.fits(d, v_filter) and not d.urgent and risc.unsendable_because(s, d.created_at) is null as is_sendable
      from risc.deliveries d join risc.streams s on s.id = d.stream_id
      where d.stream_id = p_stream_id and d.state = 'dead' and d.id > v_from
      order by d.stream_id, d.id limit v_look) l
    where l.is_sendable limit p_room + 1);
  v_more := cardinality(v_sendable) > p_room;
  if v_more then
    v_upto := v_sendable[p_room + 1] - 1;
    v_sendable := v_sendable[1:p_room];
  else
    select count(*) = v_look, coalesce(max(l.id), v_from) into v_more, v_upto from (
      select d.id from risc.deliveries d
      where d.stream_id = p_stream_id and d.state = 'dead' and d.id > v_from
      order by d.stream_id, d.id limit v_look) l;
  end if;
  v_sent := array(select a.delivery_id from risc.send_again(v_sendable, p_redrive_id) a);
  v_busy := (select min(i) from unnest(v_sendable) i where i <> all (v_sent));
  v_upto := least(v_upto, v_busy - 1);
  released := cardinality(v_sent);
  skipped := (
    select count(*) from risc.deliveries d join risc.streams s on s.id = d.stream_id
    where d.stream_id = p_stream_id and d.state = 'dead' and d.id > v_from and d.id <= v_upto
      and risc.fits(d, v_filter) and not d.urgent and risc.unsendable_because(s, d.created_at) is not null);

  update risc.redrive_streams r
  set released = r.released + release.released, skipped = r.skipped + release.skipped, after_id = v_upto,
      next_at = greatest(r.next_at, now() - interval '1 second') + release.released / r.per_second * interval '1 second',
      state = case when v_more or v_busy is not null then r.state else 'done' end
  where r.redrive_id = p_redrive_id and r.stream_id = p_stream_id;
  return next;
end $$;

--
-- Name: remove_dead_workers(interval); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.remove_dead_workers(p_steady_for interval) RETURNS SETOF text
    LANGUAGE sql
    BEGIN ATOMIC
 DELETE FROM risc.workers w
   WHERE (((remove_dead_workers.p_steady_for > risc.worker_ttl()) AND (w.beat_at < (now() - risc.worker_ttl()))) OR ((remove_dead_workers.p_steady_for > '00:00:05'::interval) AND w.has_lifeline AND (w.beat_at < (now() - '00:00:02'::interval)) AND (NOT (EXISTS ( SELECT
            FROM pg_locks l
           WHERE ((l.locktype = 'advisory'::text) AND (l.objsubid = 1) AND ((((l.classid)::bigint << 32) | (l.objid)::bigint) = risc.lifeline(w.id)) AND (l.database = ( SELECT d.oid
                    FROM pg_database d
                   WHERE (d.datname = current_database())))))))))
   RETURNING COALESCE(w.pool_id, ''::text) AS "coalesce";
END;

--
-- Name: replace_signatures(text, text, jsonb, bigint[]); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.replace_signatures(p_transaction_name text, p_kid text, p_signed jsonb, p_unverified bigint[]) RETURNS TABLE(resigned bigint, remaining bigint, unverified text[])
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_signed bigint[] := array(select (s ->> 'delivery_id')::bigint from jsonb_array_elements(p_signed) s);
begin
  if p_signed <> '[]' and p_transaction_name is distinct from risc.transaction_name() then
    raise exception 'risc.replace_signatures must run in the transaction that read the deliveries'
      using errcode = 'no_active_sql_transaction';
  end if;
  if exists (
    select from risc.deliveries d
    join jsonb_to_recordset(p_signed) as n (delivery_id bigint, signed_set text) on n.delivery_id = d.id
    where split_part(n.signed_set, '.', 2) is distinct from split_part(d.signed_set, '.', 2)
  ) then
    raise exception 'a new signature never changes what a SET says' using errcode = 'integrity_constraint_violation';
  end if;
  select count(*), coalesce(array_agg(d.jti order by d.id) filter (where d.id = any (p_unverified)), '{}')
  into remaining, unverified
  from risc.deliveries d where d.kid = p_kid;

  with chosen as materialized (
    select d.id from risc.deliveries d
    where d.id = any (v_signed) and d.kid = p_kid
      and not exists (select from risc.inflight i where i.delivery_id = d.id)
    order by d.id for update of d skip locked
  )
  update risc.deliveries d set kid = n.kid, signed_set = n.signed_set
  from chosen c
  join jsonb_to_recordset(p_signed) as n (delivery_id bigint, kid text, signed_set text) on n.delivery_id = c.id
  where d.id = c.id;
  get diagnostics resigned = row_count;
  remaining := remaining - resigned;
  return next;
end $$;

--
-- Name: requeue_lost(integer, boolean); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.requeue_lost(p_limit integer, p_steady boolean) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_count integer;
begin
  with lost as (
    select i.ticket from risc.inflight i
    left join risc_worker.jobs j on j.id = i.job_id
    where i.ticket >= (select l.last_value from risc.low_ticket l) and case
      when i.worker_id is not null then -- by a worker that is gone, or longer than any stream's timeout allows
        not exists (select from risc.workers w where w.id = i.worker_id)
          or p_steady and i.claimed_at < now() - interval '2 minutes'
      when j.id is null or (j.locked_at is null and j.attempts >= j.max_attempts) then -- nobody will claim it
        i.dispatched_at < now() - interval '2 seconds'
      else -- fetched by a runner that does not know of it
        i.dispatched_at < now() - interval '1 minute' and j.locked_at < now() - interval '1 minute'
    end
    order by i.ticket limit p_limit for update of i skip locked
  )
  delete from risc.inflight i using lost l where i.ticket = l.ticket;
  get diagnostics v_count = row_count;
  return v_count;
end $$;

--
-- Name: reseal(text, text, text, text); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.reseal(p_stream_id text, p_use text, p_old text, p_new text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_replaced boolean;
begin
  perform set_config('risc.is_reseal', 'on', true);
  update risc.streams s
  set credential = case p_use when 'credential' then p_new else s.credential end,
      client_private_key = case p_use when 'client_private_key' then p_new else s.client_private_key end
  where s.id = p_stream_id
    and p_old = case p_use when 'credential' then s.credential when 'client_private_key' then s.client_private_key end;
  v_replaced := found;
  perform set_config('risc.is_reseal', 'off', true);
  return v_replaced;
end $$;

--
-- Name: resume_redrive(bigint); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.resume_redrive(p_redrive_id bigint) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  update risc.redrive_streams r set state = 'running', next_at = now()
  where r.redrive_id = p_redrive_id and r.state = 'cancelled';
  if not found then
    return false;
  end if;
  update risc.redrives r set cancelled_at = null, cancelled_by = null where r.id = p_redrive_id;
  return true;
exception when unique_violation then
  raise exception 'another redrive is under way with one of these streams: see `risc-worker redrive list`'
    using errcode = 'object_in_use';
end $$;

--
-- Name: retain(uuid, integer, integer, integer); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.retain(p_worker_id uuid, p_dead_days integer, p_history_days integer, p_attempts_days integer) RETURNS TABLE(dead integer, dropped text, overflow integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_keeps risc.retention;
begin
  insert into risc.retention as r (worker_id, dead_days, history_days, attempts_days)
  select w.id, p_dead_days, p_history_days, p_attempts_days from risc.workers w where w.id = p_worker_id
  on conflict (worker_id) do update
  set dead_days = excluded.dead_days, history_days = excluded.history_days, attempts_days = excluded.attempts_days
  where (r.dead_days, r.history_days, r.attempts_days)
    is distinct from (excluded.dead_days, excluded.history_days, excluded.attempts_days);
  if not pg_try_advisory_xact_lock(hashtextextended('risc.retain', 0)) then
    return;
  end if;

  select null, case when bool_and(r.dead_days is not null) then max(r.dead_days) end,
    case when bool_and(r.history_days is not null) then max(r.history_days) end,
    case when bool_and(r.attempts_days is not null) then max(r.attempts_days) end
  into v_keeps
  from risc.workers w left join risc.retention r on r.worker_id = w.id
  where w.beat_at > now() - risc.worker_ttl()
  having bool_and(r.worker_id is not null);
  if not found then
    return;
  end if;

  dead := risc.discard_old_dead(v_keeps.dead_days, 1000);
  overflow := risc.delete_old_overflow(v_keeps.history_days, v_keeps.attempts_days, 1000);
  dropped := coalesce(
    risc.drop_old_partition('attempts', v_keeps.attempts_days), risc.drop_old_partition('history', v_keeps.history_days));
  return next;
end $$;

--
-- Name: retire_key(text, interval); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.retire_key(p_kid text, p_recent interval DEFAULT '24:00:00'::interval) RETURNS TABLE(retired boolean, unsettled bigint, dead bigint, accepted_recently bigint, needed_until timestamp with time zone)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
    raise exception 'risc.retire_key must see what commits while it waits: call it in READ COMMITTED'
      using errcode = 'invalid_transaction_state';
  end if;
  perform risc.await_transactions('risc.deliveries', 'RowExclusiveLock');
  select u.unsettled, u.dead, u.accepted_recently, u.needed_until
  into unsettled, dead, accepted_recently, needed_until
  from risc.key_usage(p_recent) u where u.kid = p_kid;
  if not found then
    if not exists (select from risc.history h where h.kid = p_kid) then
      raise exception 'no SET on record was signed by a key %: nothing needs it, or it is misspelt', p_kid using errcode = 'undefined_object';
    end if;
    unsettled := 0;
    dead := 0;
    accepted_recently := 0;
  end if;
  retired := unsettled + dead + accepted_recently = 0;
  if retired then
    insert into risc.retired_keys as r (kid) values (p_kid)
    on conflict on constraint retired_keys_pkey do update set retired_at = excluded.retired_at;
  end if;
  return next;
end $$;

--
-- Name: retry(text[]); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.retry(p_jtis text[]) RETURNS SETOF text
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select a.jti from risc.send_again(array(select d.id from risc.deliveries d where d.jti = any (p_jtis)), null) a;
$$;

--
-- Name: rights(text); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.rights(p_grant text) RETURNS TABLE(privilege text, kind text, object text, columns text[])
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

--
-- Name: rooms(text); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.rooms(p_from text DEFAULT NULL::text) RETURNS TABLE(stream_id text, ordered boolean, failed_by timestamp with time zone, first_due_at timestamp with time zone, first_id bigint, room integer, held integer, probe boolean)
    LANGUAGE sql
    AS $$
  with fleet as (
    select coalesce(sum(w.slots), 0) as slots from risc.workers w where w.beat_at > now() - risc.worker_ttl()
  ), held as (
    select i.stream_id, count(*)::integer as held, min(i.claimed_at) < now() - interval '1 second' as hangs
    from risc.inflight i where i.ticket >= (select l.last_value from risc.low_ticket l) group by i.stream_id
  ), judged as (
    select h.stream_id, h.held, h.hangs or f.slow or f.failures > 0 or f.ramp < s.max_in_flight as slow
    from held h join risc.flow f on f.stream_id = h.stream_id join risc.streams s on s.id = h.stream_id
  ), free as (
    select f.slots - coalesce(sum(j.held), 0) as free,
      f.slots - floor(f.slots / 8) - coalesce(sum(j.held), 0) as common_free,
      least(
        greatest(floor(f.slots / 2), 1) - coalesce(sum(j.held) filter (where j.slow), 0), greatest(floor(f.slots / 16), 1)
      ) as slow_free,
      greatest(floor(f.slots / 50), 1) as little,
      (select l.last_value from risc.lately_in_flight l) + greatest(floor(f.slots / 16), 8) - coalesce(sum(j.held), 0) as growth
    from fleet f left join judged j on true group by f.slots
  ), start as materialized (
    select coalesce(p_from, (
      select s.id from risc.streams s order by s.id
      offset floor(random() * (select count(*) from risc.streams)) limit 1)) as id
  ), due as materialized (
    select d.stream_id, d.first_due_at, d.first_id, s.ordering, s.max_in_flight, f.open_until, f.closed_at, f.slow, f.failures,
      f.ramp, r.paid_for
    from (
      select d.* from start b cross join lateral risc.due_streams(b.id) d
      union all
      select d.* from start b cross join lateral risc.due_streams('', b.id) d) d
    cross join lateral (select * from risc.streams s where s.id = d.stream_id limit 1) s -- a probe of each, whatever is due
    cross join lateral (select * from risc.flow f where f.stream_id = d.stream_id limit 1) f
    cross join lateral (
      select s.rate_burst - ceil(greatest(extract(epoch from p.paid_at - now()), 0) / extract(epoch from s.rate_spacing)) as paid_for
      from risc.pace p where p.stream_id = d.stream_id order by p.stream_id, p.paid_at desc limit 1) r
    where s.status = 'enabled' and (f.open_until is null or f.open_until <= now()) and r.paid_for > 0
    limit (select greatest(f.free, 200) from free f) + (select count(*) from held)
  ), wish as (
    select d.stream_id, d.first_due_at, d.first_id, d.ordering = 'subject' as ordered, d.open_until is not null as probe,
      risc.not_waited_for(d.open_until, d.closed_at) as failed_by,
      coalesce(j.held, 0) as held, coalesce(j.slow, d.slow or d.failures > 0 or d.ramp < d.max_in_flight) as slow,
      least(
        case when d.open_until is null then least(d.max_in_flight, d.ramp) else 1 end - coalesce(j.held, 0), d.paid_for) as room
    from due d left join judged j on j.stream_id = d.stream_id
    where j.held is null or exists (
      select from risc.ready(d.stream_id, false, null, d.first_due_at, d.first_id, 1, j.held + 1))
  ), class as (
    select w.*, random() + case when w.slow then 0 else w.held end as lot, f.*,
      case when w.slow then 0
        else least(w.room, greatest(f.little - w.held, 0),
          greatest(floor(f.free / nullif(count(*) filter (where not w.slow) over (), 0)), 1)) end as modest
    from wish w cross join free f where w.room > 0
  ), modest as (
    select c.*, greatest(least(c.modest, c.free + c.modest
      - sum(c.modest) over (order by c.lot, c.stream_id)), 0) as first
    from class c
  ), common as (
    select m.*, m.room - m.first as more, m.common_free - sum(m.first) over () as left_over from modest m
  ), share as (
    select c.*, least(c.more, greatest(1, floor(
      case when c.slow then least(c.slow_free, c.left_over) else c.left_over end
        / nullif(count(*) filter (where c.more > 0) over (partition by c.slow), 0)))) as share
    from common c
  ), turn as (
    select s.*, greatest(least(s.share, case when s.slow then s.slow_free else s.left_over end + s.share
      - sum(s.share) over (partition by s.slow order by s.lot, s.stream_id)), 0) as part
    from share s
  ), given as (
    select t.*, t.first + greatest(least(t.part, t.left_over + t.part
      - sum(t.part) over (order by t.slow desc, t.lot, t.stream_id)), 0) as given
    from turn t
  ), wanted as (
    select g.*, floor(g.given) - 1 as beyond_one,
      sum(floor(g.given) - 1) over (order by g.lot, g.stream_id rows unbounded preceding) as so_far,
      greatest(sum(floor(g.given) - 1) over (), 1) as by_all,
      greatest(floor(g.growth) - count(*) over (), 0) as growth_left
    from given g where g.given >= 1
  )
  select w.stream_id, w.ordered, w.failed_by, w.first_due_at, w.first_id,
    (1 + floor(w.so_far * least(w.growth_left, w.by_all) / w.by_all)
      - floor((w.so_far - w.beyond_one) * least(w.growth_left, w.by_all) / w.by_all))::integer,
    w.held, w.probe
  from wanted w;
$$;

--
-- Name: send_again(bigint[], bigint); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.send_again(p_deliveries bigint[], p_redrive_id bigint) RETURNS TABLE(delivery_id bigint, jti text)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  return query
  with chosen as materialized (
    select d.id from risc.deliveries d join risc.streams s on s.id = d.stream_id
    where d.id = any (p_deliveries) and case d.state
      when 'dead' then risc.unsendable_because(s, d.created_at) is null
      else p_redrive_id is null and (select true from risc.inflight i where i.delivery_id = d.id) is null end
    order by d.id for update of d skip locked
  )
  update risc.deliveries d
  set state = 'queued', dead_because = null, dead_at = null, due_at = now(),
      attempts = case d.state when 'dead' then 0 else d.attempts end,
      first_failed_at = case d.state when 'dead' then null else d.first_failed_at end,
      retried_at = case d.state when 'dead' then now() else d.retried_at end,
      redrive_id = coalesce(p_redrive_id, d.redrive_id)
  from chosen c where d.id = c.id
  returning d.id, d.jti;
end $$;

--
-- Name: server_started_at(); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.server_started_at() RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    RETURN pg_postmaster_start_time();

--
-- Name: set_sha256(text); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.set_sha256(p_signed_set text) RETURNS bytea
    LANGUAGE sql STABLE
    RETURN sha256(convert_to(p_signed_set, 'UTF8'::name));

--
-- Name: set_stream_status(text, text, text, text, text, jsonb); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.set_stream_status(p_transaction_name text, p_stream_id text, p_status text, p_reason text, p_by text, p_deliveries jsonb) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  update risc.streams s
  set status = p_status, status_changed_at = now(), status_changed_by = p_by,
    status_reason = case when p_status <> 'enabled' then p_reason end
  where s.id = p_stream_id and s.status <> p_status;
  if not found then
    return false;
  end if;
  perform risc.enqueue(p_transaction_name, p_deliveries);
  return true;
end $$;

--
-- Name: settle(jsonb); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.settle(p_outcomes jsonb) RETURNS bigint[]
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_nestloop TO 'off'
    SET enable_mergejoin TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
  v_tickets bigint[];
  v_lessons jsonb;
begin
  v_tickets := array(
    select i.ticket
    from risc.inflight i
    join jsonb_to_recordset(p_outcomes) as o (ticket bigint, delivery_id bigint)
      on o.ticket = i.ticket and o.delivery_id = i.delivery_id + 0 -- as in claim
    where i.ticket = any (array(select (o ->> 'ticket')::bigint from jsonb_array_elements(p_outcomes) o))
    order by i.ticket for update of i);
  if cardinality(v_tickets) = 0 then
    return v_tickets;
  end if;

  with landed as materialized (
    delete from risc.inflight i where i.ticket = any (v_tickets)
    returning i.ticket, i.delivery_id, i.stream_id, i.probe, i.worker_id
  ), owned as materialized (
    select d.id, d.jti, d.attempts from risc.deliveries d
    where d.id = any (array(select l.delivery_id from landed l)) order by d.id for update
  ), settled as materialized (
    select w.id, w.jti, w.attempts, l.stream_id, l.probe, l.worker_id, o.*
    from owned w
    join landed l on l.delivery_id = w.id
    join jsonb_to_recordset(p_outcomes) as o (
      ticket bigint, next text, counts boolean, delay_ms bigint, dead_because text,
      status smallint, reason text, description text, connected_to text, duration_ms float8, waits_ms float8,
      holds boolean, pauses boolean, certificate_sha256 text, certificate_expires_at timestamptz
    ) on o.ticket = l.ticket
  ), accepted as (
    delete from risc.deliveries d where d.id = any (array(select s.id from settled s where s.next = 'accepted'))
    returning d.id, d.stream_id, d.jti, d.txn, d.event_type, d.kid, d.redrive_id, d.attempts, d.created_at,
      risc.set_sha256(d.signed_set) as set_sha256
  ), kept as (
    insert into risc.history
      (delivery_id, stream_id, jti, txn, event_type, kid, set_sha256, outcome, status, connected_to, certificate_sha256,
       redrive_id, attempts, created_at)
    select a.id, a.stream_id, a.jti, a.txn, a.event_type, a.kid, a.set_sha256,
      'accepted', s.status, s.connected_to, decode(s.certificate_sha256, 'hex'), a.redrive_id, a.attempts + 1,
      a.created_at
    from accepted a join settled s on s.id = a.id
  ), tried as (
    insert into risc.attempts
      (delivery_id, stream_id, jti, attempt, counted, probe, status, reason, description, connected_to, duration_ms, worker)
    select s.id, s.stream_id, s.jti, s.attempts + s.counts::integer, s.counts, s.probe,
      s.status, s.reason, s.description, s.connected_to, round(s.duration_ms),
      (select w.name from risc.workers w where w.id = s.worker_id)
    from settled s where s.next <> 'accepted' and s.duration_ms is not null
  ), failed as (
    update risc.deliveries d
    set state = case s.next when 'dead' then 'dead' else 'queued' end,
        dead_because = s.dead_because,
        dead_at = case s.next when 'dead' then now() end,
        attempts = d.attempts + s.counts::integer,
        due_at = now() + coalesce(s.delay_ms, 0) * interval '1 millisecond',
        first_failed_at = coalesce(d.first_failed_at, case when s.counts then now() end),
        last_attempt_at = now(), last_status = s.status, last_reason = s.reason, last_description = s.description
    from settled s
    where d.id = s.id and d.id = any (array(select f.id from settled f where f.next <> 'accepted'))
  ), pausing as materialized (
    select s.id from risc.streams s
    where s.id = any (array(select p.stream_id from settled p where p.pauses)) and s.status = 'enabled'
    order by s.id for no key update skip locked
  ), paused as (
    update risc.streams s
    set status = 'paused', status_changed_at = now(), status_changed_by = null, status_reason = (
      select min(p.reason) from settled p where p.stream_id = s.id and p.pauses)
    where s.id = any (array(select p.id from pausing p))
  )
  select jsonb_agg(l) into v_lessons
  from (
    select s.stream_id, bool_or(o.answered) as answered,
      case when max(s.duration_ms) > 1000 then true when max(s.duration_ms) < 500 then false end as slow,
      min(s.reason) filter (where o.troubled) as troubled, min(s.reason) filter (where s.holds) as holds,
      max(s.waits_ms) as waits_ms, min(s.certificate_expires_at) as certificate_expires_at
    from settled s cross join lateral (
      select s.next = 'accepted' or s.dead_because is not distinct from 'refused' as answered,
        s.reason <> 'stale_connection'
          and (s.next = 'retry' or s.dead_because = 'exhausted' or s.dead_because = 'expired' and s.counts) as troubled) o
    where o.answered or o.troubled
    group by s.stream_id
  ) l;

  if v_lessons is not null then
    perform risc.learn(v_lessons);
  end if;
  return v_tickets;
end $$;

--
-- Name: shorten_pace(text); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.shorten_pace(p_stream_id text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  perform pg_advisory_xact_lock(hashtextextended('risc.dispatch', 0));
  update risc.pace p set paid_at = now() + s.rate_burst * s.rate_spacing
  from risc.streams s
  where s.id = p_stream_id and p.stream_id = s.id and p.paid_at > now() + s.rate_burst * s.rate_spacing;
end $$;

--
-- Name: start_redrive(risc.dead_filter, double precision, text); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.start_redrive(p_filter risc.dead_filter, p_per_second double precision, p_by text) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_redrive_id bigint;
begin
  p_filter.until := least(p_filter.until, now());
  insert into risc.redrives (stream_id, event_type, reason, since, until, created_by)
  values (p_filter.stream_id, p_filter.event_type, p_filter.reason, p_filter.since, p_filter.until, p_by)
  returning id into v_redrive_id;
  insert into risc.redrive_streams (redrive_id, stream_id, per_second, total, after_id)
  select v_redrive_id, p.stream_id, p.per_second, p.to_send + p.exp_passed, p.first_id - 1
  from risc.plan_redrive(p_filter, p_per_second) p where p.to_send > 0;
  if not found then
    delete from risc.redrives r where r.id = v_redrive_id;
    return null;
  end if;
  return v_redrive_id;
exception when unique_violation then
  raise exception 'another redrive is under way with one of these streams: see `risc-worker redrive list`'
    using errcode = 'object_in_use';
end $$;

--
-- Name: stream_figures(integer, integer); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.stream_figures(p_named integer, p_budget integer) RETURNS TABLE(stream_id text, status text, reason text, streams double precision, oldest_due_age double precision, queued double precision, dispatched double precision, dead double precision, open_breakers double precision, send_window double precision, certificate_expires_at double precision)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
  with stream as materialized (
    select s.id, row_number() over (order by s.created_at, s.id) <= p_named as is_named,
      case when s.status = 'enabled' and f.open_until is not null then 'held' else s.status end as status,
      case -- an operator's words may say anything
        when s.status = 'enabled' then f.open_because
        when s.status_reason in (
          'receiver_gone', 'url_not_allowed', 'address_forbidden', 'address_private',
          'token_url_not_allowed', 'token_address_forbidden', 'token_address_private')
        then s.status_reason
      end as reason,
      (f.open_until is not null)::integer as open_breakers, least(f.ramp, s.max_in_flight) as send_window,
      case when s.status = 'enabled' -- who is not sent to may have renewed it unseen
        then extract(epoch from f.certificate_expires_at) end as certificate_expires_at
    from risc.streams s join risc.flow f on f.stream_id = s.id
  ), mark as materialized ( -- where dispatch begins to look too: before it may lie what was settled
    select p.stream_id, max(p.low_due_at) as low_due_at from risc.pace p
    where (select u.from_marks from risc.survey u) group by p.stream_id
  ), look as materialized (
    select least(greatest(p_budget / greatest(count(*), 1), 10), 1000) as rows from stream
  ), few as materialized (
    select s.id, coalesce(m.low_due_at, '-infinity') as from_due_at,
      (select count(*) from (
         select from risc.deliveries d
         where d.stream_id = s.id and d.state = 'queued' and d.due_at >= coalesce(m.low_due_at, '-infinity')
         limit (select l.rows from look l)) q) as queued,
      (select count(*) from (
         select from risc.deliveries d where d.stream_id = s.id and d.state = 'dead'
         limit (select l.rows from look l)) q) as dead
    from stream s left join mark m on m.stream_id = s.id
  ), share as materialized (
    select p_budget / greatest(count(*) filter (where f.queued = l.rows) + count(*) filter (where f.dead = l.rows), 1) as rows
    from few f cross join look l
  ), counted as (
    select f.id,
      case when f.queued < l.rows then f.queued else greatest(f.queued, (
        select count(*) from (
          select from risc.deliveries d
          where d.stream_id = f.id and d.state = 'queued' and d.due_at >= f.from_due_at
          limit (select h.rows from share h)) q)) end as queued,
      case when f.dead < l.rows then f.dead else greatest(f.dead, (
        select count(*) from (
          select from risc.deliveries d where d.stream_id = f.id and d.state = 'dead'
          limit (select h.rows from share h)) q)) end as dead
    from few f cross join look l
  ), dispatched as (
    select i.stream_id, count(*) as count from risc.inflight i
    where i.ticket >= (select l.last_value from risc.low_ticket l) group by i.stream_id
  )
  select l.label, s.status, coalesce(s.reason, ''), count(*),
    coalesce(extract(epoch from now() - min(min(d.first_due_at)) over (partition by l.label, s.status)), 0),
    sum(greatest(c.queued - coalesce(i.count, 0), 0)),
    coalesce(sum(i.count), 0), sum(c.dead), sum(s.open_breakers), sum(s.send_window),
    min(s.certificate_expires_at)
  from stream s
  cross join lateral (select case when s.is_named then s.id else '(other)' end as label) l
  join counted c on c.id = s.id
  left join risc.due_streams() d on d.stream_id = s.id
  left join dispatched i on i.stream_id = s.id
  group by 1, 2, 3;
$$;

--
-- Name: stream_for_notice(text); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.stream_for_notice(p_stream_id text) RETURNS TABLE(profile text, audience text[], encryption_key risc.public_jwk, status text, transaction_name text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  return query
  select s.profile, s.audience, s.encryption_key, s.status, risc.transaction_name()
  from risc.streams s where s.id = p_stream_id for no key update;
  if not found then
    raise exception 'there is no stream %', p_stream_id using errcode = 'foreign_key_violation';
  end if;
end $$;

--
-- Name: stream_state(); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.stream_state() RETURNS TABLE(stream_id text, profile text, status text, status_reason text, status_changed_at timestamp with time zone, breaker_open_until timestamp with time zone, breaker_open_because text, dispatched bigint, window_earned integer, max_in_flight integer, oldest_due_at timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $$
  select s.id, s.profile, s.status, s.status_reason, s.status_changed_at, f.open_until, f.open_because,
    coalesce(i.count, 0), least(f.ramp, s.max_in_flight), s.max_in_flight, d.due_at
  from risc.streams s
  join risc.flow f on f.stream_id = s.id
  join risc.pace p on p.stream_id = s.id
  cross join risc.survey v
  left join (
    select i.stream_id, count(*) as count from risc.inflight i
    where i.ticket >= (select l.last_value from risc.low_ticket l) group by i.stream_id) i on i.stream_id = s.id
  left join lateral (
    select d.due_at from risc.deliveries d
    where d.stream_id = s.id and d.state = 'queued'
      and d.due_at >= case when v.from_marks then coalesce(p.low_due_at, '-infinity') else '-infinity' end
    order by d.due_at limit 1) d on true;
$$;

--
-- Name: stream_updated(); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.stream_updated() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN 'https://schemas.openid.net/secevent/ssf/event-type/stream-updated'::text;

--
-- Name: survey(); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.survey() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
  v_nothing_before timestamptz := clock_timestamp() - interval '1 second';
  v_long interval; -- longer than the search from the marks would take
  v_searched_at timestamptz;
  v_from_marks boolean;
  v_streams text[];
  v_firsts timestamptz[];
  v_ids bigint[];
  v_oldest bigint;
  v_took interval;
begin
  select s.from_marks into v_from_marks from risc.survey s where s.next_at < now() for update skip locked;
  if not found then
    return false;
  end if;
  if pg_stat_get_dead_tuples('risc.inflight'::regclass) < 10000 then -- or they would lie in the way
    v_oldest := (select i.ticket from risc.inflight i order by i.ticket limit 1);
    if v_oldest < (select l.last_value from risc.low_ticket l) then
      perform setval('risc.low_ticket', v_oldest); -- a restored dump has sequences that are newer than its rows
    end if;
  end if;
  v_long := interval '2 milliseconds' + (select count(*) from risc.streams) * interval '5 microseconds';
  v_searched_at := clock_timestamp();
  select array_agg(d.stream_id), array_agg(d.first_due_at), array_agg(d.first_id) into v_streams, v_firsts, v_ids
  from risc.survey_due_streams() d;
  v_took := clock_timestamp() - v_searched_at;
  if v_took < v_long and not v_from_marks then
    return false;
  end if;
  update risc.survey set from_marks = v_took > v_long, next_at = now() + least(50 * v_took, interval '10 seconds');
  perform pg_advisory_xact_lock(hashtextextended('risc.dispatch', 0));
  update risc.pace p set low_due_at = coalesce(f.due_at, v_nothing_before), low_id = coalesce(f.id, 0)
  from risc.streams s left join unnest(v_streams, v_firsts, v_ids) f (stream_id, due_at, id) on f.stream_id = s.id
  where p.stream_id = s.id and p.paid_at = (
      select q.paid_at from risc.pace q where q.stream_id = s.id order by q.stream_id, q.paid_at desc limit 1)
    and (p.low_due_at is null or (p.low_due_at, p.low_id) > (f.due_at, f.id)
      or p.low_due_at < coalesce(f.due_at, v_nothing_before) - interval '1 minute');
  return true;
end $$;

--
-- Name: survey_due_streams(text, text); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.survey_due_streams(p_from text DEFAULT ''::text, p_before text DEFAULT chr(127)) RETURNS TABLE(stream_id text, first_due_at timestamp with time zone, first_id bigint)
    LANGUAGE sql STABLE
    AS $$
  with recursive stream as (
    (select d.stream_id, d.due_at, d.id from risc.deliveries d
     where d.state = 'queued' and d.stream_id >= p_from and d.stream_id < p_before
     order by d.stream_id, d.due_at, d.id limit 1)
    union all
    select n.stream_id, n.due_at, n.id from stream s cross join lateral (
      select d.stream_id, d.due_at, d.id from risc.deliveries d
      where d.state = 'queued' and d.stream_id > s.stream_id and d.stream_id < p_before
      order by d.stream_id, d.due_at, d.id limit 1) n
  )
  select s.stream_id, s.due_at, s.id from stream s where s.due_at <= now();
$$;

--
-- Name: tidy(); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.tidy() RETURNS TABLE(expired integer, discarded integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  expired := risc.expire(2000);
  discarded := risc.discard_disabled(2000);
  delete from risc.urgent u where not exists (select from risc.deliveries d where d.id = u.delivery_id);
  return next;
end $$;

--
-- Name: transaction_name(); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.transaction_name() RETURNS text
    LANGUAGE sql STABLE
    RETURN (((EXTRACT(epoch FROM now()) * (1000000)::numeric))::bigint)::text;

--
-- Name: unlink(text, text); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.unlink(p_user_id text, p_stream_id text) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 WITH gone AS (
          DELETE FROM risc.subjects
           WHERE ((subjects.user_id = unlink.p_user_id) AND (subjects.stream_id = unlink.p_stream_id))
           RETURNING 1 AS "?column?"
         )
  SELECT (EXISTS ( SELECT
            FROM gone)) AS "exists";
END;

--
-- Name: unsendable_because(risc.streams, timestamp with time zone); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.unsendable_because(p_stream risc.streams, p_created_at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE
    RETURN CASE WHEN ((p_stream).status = 'disabled'::text) THEN 'stream_disabled'::text WHEN (risc.expires_at((p_stream).profile, (p_stream).max_age, p_created_at, now()) <= now()) THEN 'exp_passed'::text ELSE NULL::text END;

--
-- Name: waited_for(bigint); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.waited_for(p_delivery_id bigint) RETURNS text
    LANGUAGE sql STABLE
    AS $$
  select case
    when d.urgent then (
      select e.jti from risc.urgent u
      join risc.deliveries e on e.id = u.delivery_id and e.state = 'queued'
      left join risc.inflight i on i.delivery_id = e.id
      where u.stream_id = d.stream_id and e.id <> d.id and (
        i.ticket is not null
        or e.id < d.id and e.event_type = risc.stream_updated() and d.event_type = e.event_type
        or e.id = (select c.delivery_id from risc.choose_urgent() c where c.stream_id = d.stream_id))
      order by i.ticket, e.id limit 1)
    when s.ordering = 'subject' then (
      select e.jti from risc.deliveries e
      where e.stream_id = d.stream_id and e.order_key = d.order_key and e.state = 'queued' and e.id < d.id
        and (e.first_failed_at is null or e.first_failed_at > risc.not_waited_for(f.open_until, f.closed_at))
      order by e.order_key, e.id limit 1)
  end
  from risc.deliveries d
  join risc.streams s on s.id = d.stream_id
  join risc.flow f on f.stream_id = d.stream_id
  where d.id = p_delivery_id;
$$;

--
-- Name: why(text); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.why(p_jti text) RETURNS SETOF risc.explanation
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $$
declare
  v_answer risc.explanation;
begin
  select * into v_answer from risc.why_owed(p_jti);
  if not found then
    select h.jti, h.stream_id, h.event_type, h.txn, h.kid, h.outcome, h.created_at, h.attempts, h.outcome, h.reason,
      h.settled_at, h.status, h.connected_to, h.set_sha256
    into v_answer.jti, v_answer.stream_id, v_answer.event_type, v_answer.txn, v_answer.kid, v_answer.state,
      v_answer.created_at, v_answer.attempts, v_answer.reason, v_answer.because,
      v_answer.since, v_answer.status, v_answer.connected_to, v_answer.set_sha256
    from risc.history h where h.jti = p_jti;
  end if;
  if not found then
    return;
  end if;
  return next v_answer;
  if v_answer.waits_for is not null then
    return query select * from risc.why(v_answer.waits_for);
  end if;
end $$;

--
-- Name: why_due(text, integer); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.why_due(p_stream_id text, p_ahead integer) RETURNS text
    LANGUAGE sql STABLE
    AS $$
  select case when max(r.room) > p_ahead then 'next' when max(r.room) is null then 'slots_taken' else 'behind' end
  from risc.rooms(p_stream_id) r where r.stream_id = p_stream_id;
$$;

--
-- Name: why_owed(text); Type: FUNCTION; Schema: risc; Owner: -
--

CREATE FUNCTION risc.why_owed(p_jti text) RETURNS SETOF risc.explanation
    LANGUAGE sql STABLE
    AS $$
  with fleet as (
    select count(*)::integer as workers, coalesce(sum(w.slots), 0)::integer as slots
    from risc.workers w where w.beat_at > now() - risc.worker_ttl()
  ), delivery as materialized (
    select d.*, i.ticket, i.worker_id, i.dispatched_at, i.claimed_at, w.name as worker, q.*, e.*,
      s.profile, s.status, s.status_reason, s.status_changed_at, s.status_changed_by, s.max_age, s.timeout_ms,
      cardinality(s.retry_delays_ms) + 1 as max_attempts
    from risc.deliveries d
    join risc.streams s on s.id = d.stream_id
    left join risc.inflight i on i.delivery_id = d.id
    left join risc.workers w on w.id = i.worker_id and w.beat_at > now() - risc.worker_ttl()
    cross join lateral (select risc.expires_at(s.profile, s.max_age, d.created_at, d.retried_at) as expires_at) e
    left join lateral (
      select f.failures, f.open_until, f.open_because, g.*, h.*, least(s.max_in_flight, f.ramp) as allowed, s.max_in_flight
      from risc.flow f cross join fleet g cross join (
        select count(*) filter (where n.stream_id = d.stream_id)::integer as held, count(*)::integer as slots_held
        from risc.inflight n where n.ticket >= (select l.last_value from risc.low_ticket l)) h
      where f.stream_id = d.stream_id) q on d.state = 'queued'
    where d.jti = p_jti
  ), queued as materialized (
    select d.*, w.*, case when d.expires_at < coalesce(d.retried_at, d.created_at) + d.max_age then 'exp' else 'max_age' end as expires_by
    from delivery d left join lateral (
      select risc.waited_for(d.id) as waits_for, risc.rate_room_at(d.stream_id) as rate_room_at,
        case when not d.urgent and d.due_at <= now() then risc.due_before(d.stream_id, d.due_at, d.id) end as ahead
    ) w on d.state = 'queued' and d.ticket is null
  ), judged as materialized (
    select q.*, case
      when q.state = 'dead' then q.dead_because
      when q.worker_id is not null then case when q.worker is null then 'worker_lost' else 'in_flight' end
      when q.ticket is not null then 'handed_over'
      when q.expires_at <= now() then 'too_old'
      when q.status <> 'enabled' and not q.urgent then 'stream_' || q.status
      when q.workers = 0 then 'no_worker'
      when q.due_at > now() and (q.urgent or q.open_until is null or q.open_until <= q.due_at) then 'next_attempt'
      when q.urgent then case
        when q.waits_for is not null then 'earlier_notice'
        when q.id in (select c.delivery_id from risc.choose_urgent() c) then 'next'
        else 'slots_taken' end
      when q.waits_for is not null then 'earlier_event'
      when q.open_until > now() or q.open_until is not null and q.held > 0 then 'breaker_open'
      when q.held >= q.allowed then 'window_full'
      when q.rate_room_at > now() then 'rate_limit'
      else risc.why_due(q.stream_id, q.ahead) end as reason
    from queued q
  )
  select j.jti, j.stream_id, j.event_type, j.txn, j.kid, case when j.ticket is null then j.state else 'dispatched' end,
    j.created_at, j.attempts, j.max_attempts, case j.state when 'queued' then j.expires_at end, j.reason,
    case
      when j.reason in ('refused', 'exhausted', 'next_attempt') then j.last_reason
      when j.reason in ('expired', 'too_old') then j.expires_by
      when j.reason in ('stream_disabled', 'stream_paused') then j.status_reason
      when j.reason = 'breaker_open' then j.open_because
      when j.reason = 'window_full' and j.allowed < j.max_in_flight then
        case when j.failures > 0 then 'in_trouble' else 'unproven' end
    end,
    case when j.reason in ('stream_disabled', 'stream_paused') then j.status_changed_by end,
    coalesce(j.dead_at, j.claimed_at, j.dispatched_at, case
      when j.reason = 'too_old' then j.expires_at
      when j.reason in ('stream_disabled', 'stream_paused') then j.status_changed_at
      when j.reason = 'next_attempt' then j.last_attempt_at
    end),
    case j.reason
      when 'in_flight' then j.claimed_at + j.timeout_ms * interval '1 millisecond'
      when 'next_attempt' then j.due_at
      when 'breaker_open' then j.open_until
      when 'rate_limit' then j.rate_room_at
    end,
    l.last_status, l.last_description, null, null::bytea, j.worker,
    case when j.reason in ('earlier_event', 'earlier_notice') then j.waits_for end,
    j.ahead, j.held, j.allowed, j.max_in_flight, j.workers, j.slots, j.slots_held
  from judged j
  left join lateral (select j.last_status, j.last_description) l on j.state = 'dead' or j.reason = 'next_attempt';
$$;

--
-- Name: attempts; Type: TABLE; Schema: risc; Owner: -
--

CREATE TABLE risc.attempts (
    delivery_id bigint NOT NULL,
    stream_id text NOT NULL COLLATE pg_catalog."C",
    jti text NOT NULL,
    attempt smallint NOT NULL,
    counted boolean NOT NULL,
    probe boolean NOT NULL,
    status smallint,
    reason text NOT NULL,
    description text,
    connected_to text,
    duration_ms integer NOT NULL,
    worker text,
    ended_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT description_is_bounded CHECK ((char_length(description) <= 500))
)
PARTITION BY RANGE (ended_at);

--
-- Name: attempts_overflow; Type: TABLE; Schema: risc; Owner: -
--

CREATE TABLE risc.attempts_overflow (
    delivery_id bigint CONSTRAINT attempts_delivery_id_not_null NOT NULL,
    stream_id text CONSTRAINT attempts_stream_id_not_null NOT NULL COLLATE pg_catalog."C",
    jti text CONSTRAINT attempts_jti_not_null NOT NULL,
    attempt smallint CONSTRAINT attempts_attempt_not_null NOT NULL,
    counted boolean CONSTRAINT attempts_counted_not_null NOT NULL,
    probe boolean CONSTRAINT attempts_probe_not_null NOT NULL,
    status smallint,
    reason text CONSTRAINT attempts_reason_not_null NOT NULL,
    description text,
    connected_to text,
    duration_ms integer CONSTRAINT attempts_duration_ms_not_null NOT NULL,
    worker text,
    ended_at timestamp with time zone DEFAULT now() CONSTRAINT attempts_ended_at_not_null NOT NULL,
    CONSTRAINT description_is_bounded CHECK ((char_length(description) <= 500))
);

--
-- Name: dead; Type: VIEW; Schema: risc; Owner: -
--

CREATE VIEW risc.dead AS
 SELECT jti,
    stream_id,
    event_type,
    txn,
    attempts,
    created_at,
    last_attempt_at,
    dead_at,
    dead_because,
    last_status AS status,
    last_reason AS reason,
    last_description AS description
   FROM risc.deliveries d
  WHERE (state = 'dead'::text);

--
-- Name: deliveries_id_seq; Type: SEQUENCE; Schema: risc; Owner: -
--

ALTER TABLE risc.deliveries ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME risc.deliveries_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: flow; Type: TABLE; Schema: risc; Owner: -
--

CREATE TABLE risc.flow (
    stream_id text NOT NULL COLLATE pg_catalog."C",
    ramp integer DEFAULT 1 NOT NULL,
    slow boolean DEFAULT false NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    open_until timestamp with time zone,
    open_because text,
    closed_at timestamp with time zone,
    certificate_expires_at timestamp with time zone,
    openings integer DEFAULT 0 NOT NULL,
    CONSTRAINT open_breaker_says_why CHECK (((open_until IS NULL) = (open_because IS NULL))),
    CONSTRAINT ramp_is_positive CHECK ((ramp > 0))
)
WITH (fillfactor='50', autovacuum_vacuum_threshold='500', autovacuum_vacuum_scale_factor='0');

--
-- Name: forgotten; Type: TABLE; Schema: risc; Owner: -
--

CREATE TABLE risc.forgotten (
    only_row boolean DEFAULT true NOT NULL,
    history_before timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    CONSTRAINT forgotten_only_row_check CHECK (only_row)
);

--
-- Name: history; Type: TABLE; Schema: risc; Owner: -
--

CREATE TABLE risc.history (
    delivery_id bigint NOT NULL,
    stream_id text NOT NULL COLLATE pg_catalog."C",
    jti text NOT NULL,
    txn text NOT NULL,
    event_type text NOT NULL,
    kid text NOT NULL,
    set_sha256 bytea NOT NULL,
    outcome text NOT NULL,
    status smallint,
    connected_to text,
    certificate_sha256 bytea,
    reason text,
    redrive_id bigint,
    attempts smallint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT discarded_says_why CHECK (((outcome = 'discarded'::text) = (reason IS NOT NULL))),
    CONSTRAINT outcome_is_known CHECK ((outcome = ANY (ARRAY['accepted'::text, 'discarded'::text]))),
    CONSTRAINT reason_can_be_shown CHECK ((((char_length(reason) >= 1) AND (char_length(reason) <= 200)) AND (reason !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text)))
)
PARTITION BY RANGE (settled_at);

--
-- Name: history_overflow; Type: TABLE; Schema: risc; Owner: -
--

CREATE TABLE risc.history_overflow (
    delivery_id bigint CONSTRAINT history_delivery_id_not_null NOT NULL,
    stream_id text CONSTRAINT history_stream_id_not_null NOT NULL COLLATE pg_catalog."C",
    jti text CONSTRAINT history_jti_not_null NOT NULL,
    txn text CONSTRAINT history_txn_not_null NOT NULL,
    event_type text CONSTRAINT history_event_type_not_null NOT NULL,
    kid text CONSTRAINT history_kid_not_null NOT NULL,
    set_sha256 bytea CONSTRAINT history_set_sha256_not_null NOT NULL,
    outcome text CONSTRAINT history_outcome_not_null NOT NULL,
    status smallint,
    connected_to text,
    certificate_sha256 bytea,
    reason text,
    redrive_id bigint,
    attempts smallint CONSTRAINT history_attempts_not_null NOT NULL,
    created_at timestamp with time zone CONSTRAINT history_created_at_not_null NOT NULL,
    settled_at timestamp with time zone DEFAULT now() CONSTRAINT history_settled_at_not_null NOT NULL,
    CONSTRAINT discarded_says_why CHECK (((outcome = 'discarded'::text) = (reason IS NOT NULL))),
    CONSTRAINT outcome_is_known CHECK ((outcome = ANY (ARRAY['accepted'::text, 'discarded'::text]))),
    CONSTRAINT reason_can_be_shown CHECK ((((char_length(reason) >= 1) AND (char_length(reason) <= 200)) AND (reason !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text)))
);

--
-- Name: inflight; Type: TABLE; Schema: risc; Owner: -
--

CREATE TABLE risc.inflight (
    ticket bigint NOT NULL,
    delivery_id bigint NOT NULL,
    stream_id text NOT NULL COLLATE pg_catalog."C",
    job_id bigint NOT NULL,
    probe boolean DEFAULT false NOT NULL,
    dispatched_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    worker_id uuid,
    claimed_at timestamp with time zone,
    CONSTRAINT claim_has_worker_and_time CHECK (((worker_id IS NULL) = (claimed_at IS NULL)))
)
WITH (fillfactor='60', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_cost_delay='0', autovacuum_analyze_threshold='100000');

--
-- Name: inflight_ticket_seq; Type: SEQUENCE; Schema: risc; Owner: -
--

ALTER TABLE risc.inflight ALTER COLUMN ticket ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME risc.inflight_ticket_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: lately_in_flight; Type: SEQUENCE; Schema: risc; Owner: -
--

CREATE SEQUENCE risc.lately_in_flight
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    NO MAXVALUE
    CACHE 1;

--
-- Name: low_ticket; Type: SEQUENCE; Schema: risc; Owner: -
--

CREATE SEQUENCE risc.low_ticket
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

--
-- Name: pace; Type: TABLE; Schema: risc; Owner: -
--

CREATE TABLE risc.pace (
    stream_id text NOT NULL COLLATE pg_catalog."C",
    paid_at timestamp with time zone DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    low_due_at timestamp with time zone,
    low_id bigint DEFAULT 0 NOT NULL
)
WITH (autovacuum_vacuum_threshold='500', autovacuum_vacuum_scale_factor='0');

--
-- Name: pending; Type: VIEW; Schema: risc; Owner: -
--

CREATE VIEW risc.pending AS
 SELECT d.jti,
    d.stream_id,
    d.event_type,
    d.txn,
        CASE
            WHEN (i.ticket IS NULL) THEN d.state
            ELSE 'dispatched'::text
        END AS state,
    d.attempts,
    d.due_at,
    d.created_at,
    (now() - d.created_at) AS age,
    risc.expires_at(s.profile, s.max_age, d.created_at, d.retried_at) AS expires_at,
    d.last_attempt_at,
    d.last_status,
    d.last_reason,
    d.last_description,
    w.name AS worker,
    i.claimed_at
   FROM (((risc.deliveries d
     JOIN risc.streams s ON ((s.id = d.stream_id)))
     LEFT JOIN risc.inflight i ON ((i.delivery_id = d.id)))
     LEFT JOIN risc.workers w ON ((w.id = i.worker_id)))
  WHERE (d.state = 'queued'::text);

--
-- Name: recorded; Type: VIEW; Schema: risc; Owner: -
--

CREATE VIEW risc.recorded AS
 SELECT d.jti,
    d.stream_id,
    d.event_type,
    d.txn,
    d.kid,
        CASE
            WHEN (i.ticket IS NULL) THEN d.state
            ELSE 'dispatched'::text
        END AS state,
    d.urgent,
    d.attempts,
    d.created_at,
    d.retried_at,
    d.due_at,
        CASE d.state
            WHEN 'queued'::text THEN risc.expires_at(s.profile, s.max_age, d.created_at, d.retried_at)
            ELSE NULL::timestamp with time zone
        END AS expires_at,
    i.dispatched_at,
    i.probe,
    w.name AS worker,
    i.claimed_at,
    d.first_failed_at,
    d.last_attempt_at,
    d.last_status AS status,
    d.last_reason AS reason,
    d.last_description AS description,
    d.dead_because,
    d.dead_at,
    NULL::timestamp with time zone AS settled_at,
    NULL::text AS connected_to,
    NULL::bytea AS certificate_sha256,
    NULL::bytea AS set_sha256
   FROM (((risc.deliveries d
     JOIN risc.streams s ON ((s.id = d.stream_id)))
     LEFT JOIN risc.inflight i ON ((i.delivery_id = d.id)))
     LEFT JOIN risc.workers w ON ((w.id = i.worker_id)))
UNION ALL
 SELECT h.jti,
    h.stream_id,
    h.event_type,
    h.txn,
    h.kid,
    h.outcome AS state,
    NULL::boolean AS urgent,
    h.attempts,
    h.created_at,
    NULL::timestamp with time zone AS retried_at,
    NULL::timestamp with time zone AS due_at,
    NULL::timestamp with time zone AS expires_at,
    NULL::timestamp with time zone AS dispatched_at,
    NULL::boolean AS probe,
    NULL::text AS worker,
    NULL::timestamp with time zone AS claimed_at,
    NULL::timestamp with time zone AS first_failed_at,
    NULL::timestamp with time zone AS last_attempt_at,
    h.status,
    h.reason,
    NULL::text AS description,
    NULL::text AS dead_because,
    NULL::timestamp with time zone AS dead_at,
    h.settled_at,
    h.connected_to,
    h.certificate_sha256,
    h.set_sha256
   FROM risc.history h;

--
-- Name: redrive_streams; Type: TABLE; Schema: risc; Owner: -
--

CREATE TABLE risc.redrive_streams (
    redrive_id bigint NOT NULL,
    stream_id text NOT NULL COLLATE pg_catalog."C",
    state text DEFAULT 'running'::text NOT NULL,
    per_second double precision NOT NULL,
    total bigint NOT NULL,
    released bigint DEFAULT 0 NOT NULL,
    skipped bigint DEFAULT 0 NOT NULL,
    after_id bigint NOT NULL,
    next_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT rate_is_positive CHECK ((per_second > (0)::double precision)),
    CONSTRAINT state_is_known CHECK ((state = ANY (ARRAY['running'::text, 'cancelled'::text, 'done'::text])))
)
WITH (fillfactor='50');

--
-- Name: redrives; Type: TABLE; Schema: risc; Owner: -
--

CREATE TABLE risc.redrives (
    id bigint NOT NULL,
    stream_id text COLLATE pg_catalog."C",
    event_type text,
    reason text,
    since timestamp with time zone,
    until timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text NOT NULL,
    cancelled_at timestamp with time zone,
    cancelled_by text,
    CONSTRAINT cancelled_says_by_whom CHECK (((cancelled_at IS NULL) = (cancelled_by IS NULL))),
    CONSTRAINT names_are_bounded CHECK (((char_length(created_by) <= 200) AND (char_length(cancelled_by) <= 200)))
);

--
-- Name: redrive_progress; Type: VIEW; Schema: risc; Owner: -
--

CREATE VIEW risc.redrive_progress AS
 SELECT r.id,
    p.state,
    r.stream_id,
    r.event_type,
    r.reason,
    r.since,
    r.until,
    p.total,
    p.released,
    p.skipped,
    p.remaining,
    p.per_second,
    p.remaining_for,
    d.waiting,
    h.accepted,
    d.dead_again,
    h.discarded,
    r.created_at,
    r.created_by,
    r.cancelled_at,
    r.cancelled_by
   FROM (((risc.redrives r
     CROSS JOIN LATERAL ( SELECT
                CASE
                    WHEN bool_or((s.state = 'running'::text)) THEN 'running'::text
                    WHEN bool_or((s.state = 'cancelled'::text)) THEN 'cancelled'::text
                    ELSE 'done'::text
                END AS state,
            (COALESCE(sum(s.total), (0)::numeric))::bigint AS total,
            (COALESCE(sum(s.released), (0)::numeric))::bigint AS released,
            (COALESCE(sum(s.skipped), (0)::numeric))::bigint AS skipped,
            (COALESCE(sum(l.remaining), (0)::numeric))::bigint AS remaining,
            COALESCE(sum(s.per_second) FILTER (WHERE (s.state <> 'done'::text)), (0)::double precision) AS per_second,
            (COALESCE(GREATEST(max(((l.remaining)::double precision / s.per_second)), ((sum(l.remaining))::double precision / risc.redrives_per_second())), (0)::double precision) * '00:00:01'::interval) AS remaining_for
           FROM (risc.redrive_streams s
             CROSS JOIN LATERAL ( SELECT
                        CASE
                            WHEN (s.state = 'done'::text) THEN (0)::bigint
                            ELSE GREATEST(((s.total - s.released) - s.skipped), (0)::bigint)
                        END AS remaining) l)
          WHERE (s.redrive_id = r.id)) p)
     CROSS JOIN LATERAL ( SELECT count(*) FILTER (WHERE (q.state = 'queued'::text)) AS waiting,
            count(*) FILTER (WHERE (q.state = 'dead'::text)) AS dead_again
           FROM risc.deliveries q
          WHERE (q.redrive_id = r.id)) d)
     CROSS JOIN LATERAL ( SELECT count(*) FILTER (WHERE (g.outcome = 'accepted'::text)) AS accepted,
            count(*) FILTER (WHERE (g.outcome = 'discarded'::text)) AS discarded
           FROM risc.history g
          WHERE ((g.redrive_id = r.id) AND (g.settled_at >= r.created_at))) h);

--
-- Name: redrives_id_seq; Type: SEQUENCE; Schema: risc; Owner: -
--

ALTER TABLE risc.redrives ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME risc.redrives_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: retention; Type: TABLE; Schema: risc; Owner: -
--

CREATE TABLE risc.retention (
    worker_id uuid NOT NULL,
    dead_days integer,
    history_days integer,
    attempts_days integer,
    CONSTRAINT days_are_positive CHECK ((LEAST(dead_days, history_days, attempts_days) > 0))
);

--
-- Name: retired_keys; Type: TABLE; Schema: risc; Owner: -
--

CREATE TABLE risc.retired_keys (
    kid text NOT NULL,
    retired_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: stream_health; Type: VIEW; Schema: risc; Owner: -
--

CREATE VIEW risc.stream_health AS
 WITH queued AS (
         SELECT d_1.stream_id,
            count(*) AS count,
            min(d_1.due_at) AS oldest_due_at
           FROM risc.deliveries d_1
          WHERE (d_1.state = 'queued'::text)
          GROUP BY d_1.stream_id
        ), dead AS (
         SELECT d_1.stream_id,
            count(*) AS count
           FROM risc.deliveries d_1
          WHERE (d_1.state = 'dead'::text)
          GROUP BY d_1.stream_id
        ), dispatched AS (
         SELECT i_1.stream_id,
            count(*) AS count
           FROM risc.inflight i_1
          GROUP BY i_1.stream_id
        )
 SELECT s.id AS stream_id,
    s.profile,
    s.status,
    s.status_reason,
    s.status_changed_at,
    f.open_until AS breaker_open_until,
    f.open_because AS breaker_open_because,
    (COALESCE(q.count, (0)::bigint) - COALESCE(i.count, (0)::bigint)) AS queued,
    COALESCE(i.count, (0)::bigint) AS dispatched,
    LEAST(f.ramp, s.max_in_flight) AS window_earned,
    s.max_in_flight,
    risc.rate_room_at(s.id) AS rate_room_at,
    COALESCE(d.count, (0)::bigint) AS dead,
    q.oldest_due_at,
    GREATEST((now() - q.oldest_due_at), '00:00:00'::interval) AS lag
   FROM ((((risc.streams s
     JOIN risc.flow f ON ((f.stream_id = s.id)))
     LEFT JOIN queued q ON ((q.stream_id = s.id)))
     LEFT JOIN dispatched i ON ((i.stream_id = s.id)))
     LEFT JOIN dead d ON ((d.stream_id = s.id)));

--
-- Name: stream_settings; Type: VIEW; Schema: risc; Owner: -
--

CREATE VIEW risc.stream_settings AS
 SELECT id,
    profile,
    endpoint_url,
    audience,
    allowed_networks,
    allowed_ports,
    events_requested,
    token_request,
    status,
    status_reason,
    status_changed_at,
    status_changed_by,
    ordering,
    max_in_flight,
    rate_limit,
    rate_interval,
    timeout_ms,
    retry_delays_ms,
    max_age,
    created_at,
    (credential IS NOT NULL) AS has_authorization,
    ((encryption_key)::jsonb ->> 'kid'::text) AS encryption_kid,
    "left"(encode(sha256(convert_to(ca_certificates, 'UTF8'::name)), 'hex'::text), 16) AS ca_certificates_digest,
    "left"(encode(sha256(convert_to(client_certificate, 'UTF8'::name)), 'hex'::text), 16) AS client_certificate_digest
   FROM risc.streams s;

--
-- Name: survey; Type: TABLE; Schema: risc; Owner: -
--

CREATE TABLE risc.survey (
    only_row boolean DEFAULT true NOT NULL,
    from_marks boolean DEFAULT false NOT NULL,
    next_at timestamp with time zone DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    CONSTRAINT survey_only_row_check CHECK (only_row)
);

--
-- Name: urgent; Type: TABLE; Schema: risc; Owner: -
--

CREATE TABLE risc.urgent (
    delivery_id bigint NOT NULL,
    stream_id text NOT NULL COLLATE pg_catalog."C"
);

--
-- Name: attempts_overflow; Type: TABLE ATTACH; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.attempts ATTACH PARTITION risc.attempts_overflow DEFAULT;

--
-- Name: history_overflow; Type: TABLE ATTACH; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.history ATTACH PARTITION risc.history_overflow DEFAULT;

--
-- Name: deliveries deliveries_jti_key; Type: CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.deliveries
    ADD CONSTRAINT deliveries_jti_key UNIQUE (jti);

--
-- Name: deliveries deliveries_pkey; Type: CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (id);

--
-- Name: flow flow_pkey; Type: CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.flow
    ADD CONSTRAINT flow_pkey PRIMARY KEY (stream_id);

--
-- Name: forgotten forgotten_pkey; Type: CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.forgotten
    ADD CONSTRAINT forgotten_pkey PRIMARY KEY (only_row);

--
-- Name: inflight inflight_delivery_id_key; Type: CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.inflight
    ADD CONSTRAINT inflight_delivery_id_key UNIQUE (delivery_id);

--
-- Name: inflight inflight_pkey; Type: CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.inflight
    ADD CONSTRAINT inflight_pkey PRIMARY KEY (ticket);

--
-- Name: pace pace_pkey; Type: CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.pace
    ADD CONSTRAINT pace_pkey PRIMARY KEY (stream_id, paid_at);

--
-- Name: redrive_streams redrive_streams_pkey; Type: CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.redrive_streams
    ADD CONSTRAINT redrive_streams_pkey PRIMARY KEY (redrive_id, stream_id);

--
-- Name: redrives redrives_pkey; Type: CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.redrives
    ADD CONSTRAINT redrives_pkey PRIMARY KEY (id);

--
-- Name: retention retention_pkey; Type: CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.retention
    ADD CONSTRAINT retention_pkey PRIMARY KEY (worker_id);

--
-- Name: retired_keys retired_keys_pkey; Type: CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.retired_keys
    ADD CONSTRAINT retired_keys_pkey PRIMARY KEY (kid);

--
-- Name: streams streams_pkey; Type: CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.streams
    ADD CONSTRAINT streams_pkey PRIMARY KEY (id);

--
-- Name: subjects subjects_pkey; Type: CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.subjects
    ADD CONSTRAINT subjects_pkey PRIMARY KEY (user_id, stream_id);

--
-- Name: survey survey_pkey; Type: CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.survey
    ADD CONSTRAINT survey_pkey PRIMARY KEY (only_row);

--
-- Name: urgent urgent_pkey; Type: CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.urgent
    ADD CONSTRAINT urgent_pkey PRIMARY KEY (delivery_id);

--
-- Name: workers workers_pkey; Type: CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (id);

--
-- Name: attempts_by_jti; Type: INDEX; Schema: risc; Owner: -
--

CREATE INDEX attempts_by_jti ON ONLY risc.attempts USING btree (jti);

--
-- Name: attempts_overflow_jti_idx; Type: INDEX; Schema: risc; Owner: -
--

CREATE INDEX attempts_overflow_jti_idx ON risc.attempts_overflow USING btree (jti);

--
-- Name: deliveries_dead; Type: INDEX; Schema: risc; Owner: -
--

CREATE INDEX deliveries_dead ON risc.deliveries USING btree (stream_id, id) WHERE (state = 'dead'::text);

--
-- Name: deliveries_dead_at; Type: INDEX; Schema: risc; Owner: -
--

CREATE INDEX deliveries_dead_at ON risc.deliveries USING btree (dead_at) WHERE (state = 'dead'::text);

--
-- Name: deliveries_due; Type: INDEX; Schema: risc; Owner: -
--

CREATE INDEX deliveries_due ON risc.deliveries USING btree (stream_id, due_at, id) WHERE (state = 'queued'::text);

--
-- Name: deliveries_order; Type: INDEX; Schema: risc; Owner: -
--

CREATE INDEX deliveries_order ON risc.deliveries USING btree (stream_id, order_key, id) WHERE (state = 'queued'::text);

--
-- Name: deliveries_redriven; Type: INDEX; Schema: risc; Owner: -
--

CREATE INDEX deliveries_redriven ON risc.deliveries USING btree (redrive_id) WHERE (redrive_id IS NOT NULL);

--
-- Name: history_by_jti; Type: INDEX; Schema: risc; Owner: -
--

CREATE INDEX history_by_jti ON ONLY risc.history USING btree (jti);

--
-- Name: history_by_redrive; Type: INDEX; Schema: risc; Owner: -
--

CREATE INDEX history_by_redrive ON ONLY risc.history USING btree (redrive_id) WHERE (redrive_id IS NOT NULL);

--
-- Name: history_by_time; Type: INDEX; Schema: risc; Owner: -
--

CREATE INDEX history_by_time ON ONLY risc.history USING btree (settled_at);

--
-- Name: history_by_txn; Type: INDEX; Schema: risc; Owner: -
--

CREATE INDEX history_by_txn ON ONLY risc.history USING btree (txn);

--
-- Name: history_discarded; Type: INDEX; Schema: risc; Owner: -
--

CREATE INDEX history_discarded ON ONLY risc.history USING btree (settled_at) WHERE (outcome = 'discarded'::text);

--
-- Name: history_overflow_jti_idx; Type: INDEX; Schema: risc; Owner: -
--

CREATE INDEX history_overflow_jti_idx ON risc.history_overflow USING btree (jti);

--
-- Name: history_overflow_redrive_id_idx; Type: INDEX; Schema: risc; Owner: -
--

CREATE INDEX history_overflow_redrive_id_idx ON risc.history_overflow USING btree (redrive_id) WHERE (redrive_id IS NOT NULL);

--
-- Name: history_overflow_settled_at_idx; Type: INDEX; Schema: risc; Owner: -
--

CREATE INDEX history_overflow_settled_at_idx ON risc.history_overflow USING btree (settled_at);

--
-- Name: history_overflow_settled_at_idx1; Type: INDEX; Schema: risc; Owner: -
--

CREATE INDEX history_overflow_settled_at_idx1 ON risc.history_overflow USING btree (settled_at) WHERE (outcome = 'discarded'::text);

--
-- Name: history_overflow_txn_idx; Type: INDEX; Schema: risc; Owner: -
--

CREATE INDEX history_overflow_txn_idx ON risc.history_overflow USING btree (txn);

--
-- Name: redrive_streams_running; Type: INDEX; Schema: risc; Owner: -
--

CREATE UNIQUE INDEX redrive_streams_running ON risc.redrive_streams USING btree (stream_id) WHERE (state = 'running'::text);

--
-- Name: subjects_by_stream; Type: INDEX; Schema: risc; Owner: -
--

CREATE INDEX subjects_by_stream ON risc.subjects USING btree (stream_id);

--
-- Name: urgent_by_stream; Type: INDEX; Schema: risc; Owner: -
--

CREATE INDEX urgent_by_stream ON risc.urgent USING btree (stream_id);

--
-- Name: attempts_overflow_jti_idx; Type: INDEX ATTACH; Schema: risc; Owner: -
--

ALTER INDEX risc.attempts_by_jti ATTACH PARTITION risc.attempts_overflow_jti_idx;

--
-- Name: history_overflow_jti_idx; Type: INDEX ATTACH; Schema: risc; Owner: -
--

ALTER INDEX risc.history_by_jti ATTACH PARTITION risc.history_overflow_jti_idx;

--
-- Name: history_overflow_redrive_id_idx; Type: INDEX ATTACH; Schema: risc; Owner: -
--

ALTER INDEX risc.history_by_redrive ATTACH PARTITION risc.history_overflow_redrive_id_idx;

--
-- Name: history_overflow_settled_at_idx; Type: INDEX ATTACH; Schema: risc; Owner: -
--

ALTER INDEX risc.history_by_time ATTACH PARTITION risc.history_overflow_settled_at_idx;

--
-- Name: history_overflow_settled_at_idx1; Type: INDEX ATTACH; Schema: risc; Owner: -
--

ALTER INDEX risc.history_discarded ATTACH PARTITION risc.history_overflow_settled_at_idx1;

--
-- Name: history_overflow_txn_idx; Type: INDEX ATTACH; Schema: risc; Owner: -
--

ALTER INDEX risc.history_by_txn ATTACH PARTITION risc.history_overflow_txn_idx;

--
-- Name: streams mended_stream_is_probed; Type: TRIGGER; Schema: risc; Owner: -
--

CREATE TRIGGER mended_stream_is_probed AFTER UPDATE OF endpoint_url, credential, allowed_networks, allowed_ports, ca_certificates, client_certificate, client_private_key, token_request, timeout_ms, status ON risc.streams FOR EACH ROW WHEN ((new.status = 'enabled'::text)) EXECUTE FUNCTION risc.probe_mended_stream();

--
-- Name: streams stream_goes_on_with_nothing; Type: TRIGGER; Schema: risc; Owner: -
--

CREATE TRIGGER stream_goes_on_with_nothing AFTER UPDATE OF status ON risc.streams FOR EACH ROW WHEN (((old.status = 'disabled'::text) AND (new.status <> 'disabled'::text))) EXECUTE FUNCTION risc.discard_before_going_on();

--
-- Name: streams stream_has_flow_and_pace; Type: TRIGGER; Schema: risc; Owner: -
--

CREATE TRIGGER stream_has_flow_and_pace AFTER INSERT ON risc.streams FOR EACH ROW EXECUTE FUNCTION risc.add_flow_and_pace();

--
-- Name: streams stream_id_never_changes; Type: TRIGGER; Schema: risc; Owner: -
--

CREATE TRIGGER stream_id_never_changes BEFORE UPDATE OF id ON risc.streams FOR EACH ROW WHEN ((old.id IS DISTINCT FROM new.id)) EXECUTE FUNCTION risc.refuse_update('id');

--
-- Name: deliveries deliveries_stream_id_fkey; Type: FK CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.deliveries
    ADD CONSTRAINT deliveries_stream_id_fkey FOREIGN KEY (stream_id) REFERENCES risc.streams(id);

--
-- Name: flow flow_stream_id_fkey; Type: FK CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.flow
    ADD CONSTRAINT flow_stream_id_fkey FOREIGN KEY (stream_id) REFERENCES risc.streams(id) ON DELETE CASCADE;

--
-- Name: pace pace_stream_id_fkey; Type: FK CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.pace
    ADD CONSTRAINT pace_stream_id_fkey FOREIGN KEY (stream_id) REFERENCES risc.streams(id) ON DELETE CASCADE;

--
-- Name: redrive_streams redrive_streams_redrive_id_fkey; Type: FK CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.redrive_streams
    ADD CONSTRAINT redrive_streams_redrive_id_fkey FOREIGN KEY (redrive_id) REFERENCES risc.redrives(id) ON DELETE CASCADE;

--
-- Name: redrive_streams redrive_streams_stream_id_fkey; Type: FK CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.redrive_streams
    ADD CONSTRAINT redrive_streams_stream_id_fkey FOREIGN KEY (stream_id) REFERENCES risc.streams(id) ON DELETE CASCADE;

--
-- Name: retention retention_worker_id_fkey; Type: FK CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.retention
    ADD CONSTRAINT retention_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES risc.workers(id) ON DELETE CASCADE;

--
-- Name: subjects subjects_stream_id_fkey; Type: FK CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.subjects
    ADD CONSTRAINT subjects_stream_id_fkey FOREIGN KEY (stream_id) REFERENCES risc.streams(id) ON DELETE CASCADE;

--
-- Name: urgent urgent_stream_id_fkey; Type: FK CONSTRAINT; Schema: risc; Owner: -
--

ALTER TABLE ONLY risc.urgent
    ADD CONSTRAINT urgent_stream_id_fkey FOREIGN KEY (stream_id) REFERENCES risc.streams(id) ON DELETE CASCADE;

--
-- Name: FUNCTION accepted_by_second(p_since timestamp with time zone); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.accepted_by_second(p_since timestamp with time zone) FROM PUBLIC;

--
-- Name: FUNCTION add_flow_and_pace(); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.add_flow_and_pace() FROM PUBLIC;

--
-- Name: FUNCTION add_jobs(p_tickets bigint[]); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.add_jobs(p_tickets bigint[]) FROM PUBLIC;

--
-- Name: FUNCTION await_stream_status(); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.await_stream_status() FROM PUBLIC;

--
-- Name: FUNCTION await_transactions(p_table regclass, p_mode text); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.await_transactions(p_table regclass, p_mode text) FROM PUBLIC;

--
-- Name: FUNCTION beat(p_worker_id uuid, p_name text, p_slots integer, p_pool_id text, p_has_lifeline boolean, p_dispatched_ms_ago double precision); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.beat(p_worker_id uuid, p_name text, p_slots integer, p_pool_id text, p_has_lifeline boolean, p_dispatched_ms_ago double precision) FROM PUBLIC;

--
-- Name: FUNCTION cancel_redrive(p_redrive_id bigint, p_by text); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.cancel_redrive(p_redrive_id bigint, p_by text) FROM PUBLIC;

--
-- Name: FUNCTION charge(p_streams text[], p_firsts timestamp with time zone[], p_first_ids bigint[]); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.charge(p_streams text[], p_firsts timestamp with time zone[], p_first_ids bigint[]) FROM PUBLIC;

--
-- Name: FUNCTION choose(); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.choose() FROM PUBLIC;

--
-- Name: FUNCTION choose_urgent(); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.choose_urgent() FROM PUBLIC;

--
-- Name: FUNCTION claim(p_worker_id uuid, p_tickets bigint[]); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.claim(p_worker_id uuid, p_tickets bigint[]) FROM PUBLIC;

--
-- Name: FUNCTION count_dead(p_filter risc.dead_filter); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.count_dead(p_filter risc.dead_filter) FROM PUBLIC;

--
-- Name: FUNCTION count_deliveries(); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.count_deliveries() FROM PUBLIC;

--
-- Name: FUNCTION database_figures(); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.database_figures() FROM PUBLIC;

--
-- Name: FUNCTION delete_old_overflow(p_history_days integer, p_attempts_days integer, p_limit integer); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.delete_old_overflow(p_history_days integer, p_attempts_days integer, p_limit integer) FROM PUBLIC;

--
-- Name: FUNCTION deliveries_signed_by(p_kid text, p_limit integer, p_after bigint); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.deliveries_signed_by(p_kid text, p_limit integer, p_after bigint) FROM PUBLIC;

--
-- Name: FUNCTION discard(p_jtis text[], p_reason text); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.discard(p_jtis text[], p_reason text) FROM PUBLIC;

--
-- Name: FUNCTION discard_before_going_on(); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.discard_before_going_on() FROM PUBLIC;

--
-- Name: FUNCTION discard_dead(p_filter risc.dead_filter, p_after bigint, p_reason text); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.discard_dead(p_filter risc.dead_filter, p_after bigint, p_reason text) FROM PUBLIC;

--
-- Name: FUNCTION discard_deliveries(p_deliveries bigint[], p_reason text); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.discard_deliveries(p_deliveries bigint[], p_reason text) FROM PUBLIC;

--
-- Name: FUNCTION discard_waiting(p_stream_id text, p_limit integer); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.discard_waiting(p_stream_id text, p_limit integer) FROM PUBLIC;

--
-- Name: FUNCTION is_traceparent(p_text text); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.is_traceparent(p_text text) FROM PUBLIC;

--
-- Name: FUNCTION discard_disabled(p_limit integer); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.discard_disabled(p_limit integer) FROM PUBLIC;

--
-- Name: FUNCTION discard_old_dead(p_days integer, p_limit integer); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.discard_old_dead(p_days integer, p_limit integer) FROM PUBLIC;

--
-- Name: FUNCTION discard_stream(p_stream_id text, p_reason text, p_limit integer); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.discard_stream(p_stream_id text, p_reason text, p_limit integer) FROM PUBLIC;

--
-- Name: FUNCTION dispatch(); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.dispatch() FROM PUBLIC;

--
-- Name: FUNCTION drop_old_partition(p_parent text, p_days integer); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.drop_old_partition(p_parent text, p_days integer) FROM PUBLIC;

--
-- Name: FUNCTION due_before(p_stream_id text, p_due_at timestamp with time zone, p_id bigint); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.due_before(p_stream_id text, p_due_at timestamp with time zone, p_id bigint) FROM PUBLIC;

--
-- Name: FUNCTION due_streams(p_from text, p_before text); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.due_streams(p_from text, p_before text) FROM PUBLIC;

--
-- Name: FUNCTION enqueue(p_transaction_name text, p_deliveries jsonb); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.enqueue(p_transaction_name text, p_deliveries jsonb) FROM PUBLIC;

--
-- Name: FUNCTION erase_deliveries(p_deliveries bigint[]); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.erase_deliveries(p_deliveries bigint[]) FROM PUBLIC;

--
-- Name: FUNCTION expire(p_limit integer); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.expire(p_limit integer) FROM PUBLIC;

--
-- Name: FUNCTION expires_at(p_profile text, p_max_age interval, p_created_at timestamp with time zone, p_retried_at timestamp with time zone); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.expires_at(p_profile text, p_max_age interval, p_created_at timestamp with time zone, p_retried_at timestamp with time zone) FROM PUBLIC;

--
-- Name: FUNCTION fits(p_delivery risc.deliveries, p_filter risc.dead_filter); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.fits(p_delivery risc.deliveries, p_filter risc.dead_filter) FROM PUBLIC;

--
-- Name: FUNCTION grant_rights(p_grant text, p_role name); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.grant_rights(p_grant text, p_role name) FROM PUBLIC;

--
-- Name: FUNCTION hand_back(p_worker_id uuid, p_tickets bigint[]); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.hand_back(p_worker_id uuid, p_tickets bigint[]) FROM PUBLIC;

--
-- Name: FUNCTION history_since(); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.history_since() FROM PUBLIC;

--
-- Name: FUNCTION is_about_stream(p_event_type text); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.is_about_stream(p_event_type text) FROM PUBLIC;

--
-- Name: FUNCTION kept_since(p_days integer); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.kept_since(p_days integer) FROM PUBLIC;

--
-- Name: FUNCTION key_usage(p_recent interval); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.key_usage(p_recent interval) FROM PUBLIC;

--
-- Name: FUNCTION learn(p_lessons jsonb); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.learn(p_lessons jsonb) FROM PUBLIC;

--
-- Name: FUNCTION leave(p_worker_id uuid, p_pool_ids text[]); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.leave(p_worker_id uuid, p_pool_ids text[]) FROM PUBLIC;

--
-- Name: FUNCTION lifeline(p_worker_id uuid); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.lifeline(p_worker_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION link(p_user_id text, p_stream_id text, p_subject jsonb); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.link(p_user_id text, p_stream_id text, p_subject jsonb) FROM PUBLIC;

--
-- Name: FUNCTION maintain(p_answered_for_ms double precision); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.maintain(p_answered_for_ms double precision) FROM PUBLIC;

--
-- Name: FUNCTION make_partitions(p_days integer); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.make_partitions(p_days integer) FROM PUBLIC;

--
-- Name: FUNCTION needs_vacuum(p_table regclass); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.needs_vacuum(p_table regclass) FROM PUBLIC;

--
-- Name: FUNCTION not_waited_for(p_open_until timestamp with time zone, p_closed_at timestamp with time zone); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.not_waited_for(p_open_until timestamp with time zone, p_closed_at timestamp with time zone) FROM PUBLIC;

--
-- Name: FUNCTION note_in_flight(p_handed integer); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.note_in_flight(p_handed integer) FROM PUBLIC;

--
-- Name: FUNCTION plan_redrive(p_filter risc.dead_filter, p_per_second double precision); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.plan_redrive(p_filter risc.dead_filter, p_per_second double precision) FROM PUBLIC;

--
-- Name: FUNCTION probe(p_stream_id text); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.probe(p_stream_id text) FROM PUBLIC;

--
-- Name: FUNCTION probe_mended_stream(); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.probe_mended_stream() FROM PUBLIC;

--
-- Name: FUNCTION quotes(p_text text, p_words text[]); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.quotes(p_text text, p_words text[]) FROM PUBLIC;

--
-- Name: FUNCTION raise_low_ticket(); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.raise_low_ticket() FROM PUBLIC;

--
-- Name: FUNCTION rate_room_at(p_stream_id text); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.rate_room_at(p_stream_id text) FROM PUBLIC;

--
-- Name: FUNCTION ready(p_stream_id text, p_ordered boolean, p_failed_by timestamp with time zone, p_from timestamp with time zone, p_from_id bigint, p_room integer, p_look integer); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.ready(p_stream_id text, p_ordered boolean, p_failed_by timestamp with time zone, p_from timestamp with time zone, p_from_id bigint, p_room integer, p_look integer) FROM PUBLIC;

--
-- Name: FUNCTION ready_elsewhere(p_stream_id text, p_failed_by timestamp with time zone, p_room integer); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.ready_elsewhere(p_stream_id text, p_failed_by timestamp with time zone, p_room integer) FROM PUBLIC;

--
-- Name: FUNCTION recent_since(p_recent interval); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.recent_since(p_recent interval) FROM PUBLIC;

--
-- Name: FUNCTION recipients(p_requests jsonb); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.recipients(p_requests jsonb) FROM PUBLIC;

--
-- Name: FUNCTION redrive(); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.redrive() FROM PUBLIC;

--
-- Name: FUNCTION redrive_rooms(); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.redrive_rooms() FROM PUBLIC;

--
-- Name: FUNCTION worker_ttl(); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.worker_ttl() FROM PUBLIC;

--
-- Name: FUNCTION redrives_per_second(); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.redrives_per_second() FROM PUBLIC;

--
-- Name: FUNCTION refuse_unknown_stream(p_stream_id text); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.refuse_unknown_stream(p_stream_id text) FROM PUBLIC;

--
-- Name: FUNCTION refuse_update(); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.refuse_update() FROM PUBLIC;

--
-- Name: FUNCTION release(p_redrive_id bigint, p_stream_id text, p_room integer); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.release(p_redrive_id bigint, p_stream_id text, p_room integer) FROM PUBLIC;

--
-- Name: FUNCTION remove_dead_workers(p_steady_for interval); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.remove_dead_workers(p_steady_for interval) FROM PUBLIC;

--
-- Name: FUNCTION replace_signatures(p_transaction_name text, p_kid text, p_signed jsonb, p_unverified bigint[]); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.replace_signatures(p_transaction_name text, p_kid text, p_signed jsonb, p_unverified bigint[]) FROM PUBLIC;

--
-- Name: FUNCTION requeue_lost(p_limit integer, p_steady boolean); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.requeue_lost(p_limit integer, p_steady boolean) FROM PUBLIC;

--
-- Name: FUNCTION reseal(p_stream_id text, p_use text, p_old text, p_new text); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.reseal(p_stream_id text, p_use text, p_old text, p_new text) FROM PUBLIC;

--
-- Name: FUNCTION resume_redrive(p_redrive_id bigint); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.resume_redrive(p_redrive_id bigint) FROM PUBLIC;

--
-- Name: FUNCTION retain(p_worker_id uuid, p_dead_days integer, p_history_days integer, p_attempts_days integer); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.retain(p_worker_id uuid, p_dead_days integer, p_history_days integer, p_attempts_days integer) FROM PUBLIC;

--
-- Name: FUNCTION retire_key(p_kid text, p_recent interval); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.retire_key(p_kid text, p_recent interval) FROM PUBLIC;

--
-- Name: FUNCTION retry(p_jtis text[]); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.retry(p_jtis text[]) FROM PUBLIC;

--
-- Name: FUNCTION rooms(p_from text); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.rooms(p_from text) FROM PUBLIC;

--
-- Name: FUNCTION send_again(p_deliveries bigint[], p_redrive_id bigint); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.send_again(p_deliveries bigint[], p_redrive_id bigint) FROM PUBLIC;

--
-- Name: FUNCTION server_started_at(); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.server_started_at() FROM PUBLIC;

--
-- Name: FUNCTION set_sha256(p_signed_set text); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.set_sha256(p_signed_set text) FROM PUBLIC;

--
-- Name: FUNCTION set_stream_status(p_transaction_name text, p_stream_id text, p_status text, p_reason text, p_by text, p_deliveries jsonb); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.set_stream_status(p_transaction_name text, p_stream_id text, p_status text, p_reason text, p_by text, p_deliveries jsonb) FROM PUBLIC;

--
-- Name: FUNCTION settle(p_outcomes jsonb); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.settle(p_outcomes jsonb) FROM PUBLIC;

--
-- Name: FUNCTION shorten_pace(p_stream_id text); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.shorten_pace(p_stream_id text) FROM PUBLIC;

--
-- Name: FUNCTION start_redrive(p_filter risc.dead_filter, p_per_second double precision, p_by text); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.start_redrive(p_filter risc.dead_filter, p_per_second double precision, p_by text) FROM PUBLIC;

--
-- Name: FUNCTION stream_figures(p_named integer, p_budget integer); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.stream_figures(p_named integer, p_budget integer) FROM PUBLIC;

--
-- Name: FUNCTION stream_for_notice(p_stream_id text); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.stream_for_notice(p_stream_id text) FROM PUBLIC;

--
-- Name: FUNCTION stream_state(); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.stream_state() FROM PUBLIC;

--
-- Name: FUNCTION stream_updated(); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.stream_updated() FROM PUBLIC;

--
-- Name: FUNCTION survey(); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.survey() FROM PUBLIC;

--
-- Name: FUNCTION survey_due_streams(p_from text, p_before text); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.survey_due_streams(p_from text, p_before text) FROM PUBLIC;

--
-- Name: FUNCTION tidy(); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.tidy() FROM PUBLIC;

--
-- Name: FUNCTION transaction_name(); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.transaction_name() FROM PUBLIC;

--
-- Name: FUNCTION unlink(p_user_id text, p_stream_id text); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.unlink(p_user_id text, p_stream_id text) FROM PUBLIC;

--
-- Name: FUNCTION unsendable_because(p_stream risc.streams, p_created_at timestamp with time zone); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.unsendable_because(p_stream risc.streams, p_created_at timestamp with time zone) FROM PUBLIC;

--
-- Name: FUNCTION waited_for(p_delivery_id bigint); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.waited_for(p_delivery_id bigint) FROM PUBLIC;

--
-- Name: FUNCTION why(p_jti text); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.why(p_jti text) FROM PUBLIC;

--
-- Name: FUNCTION why_due(p_stream_id text, p_ahead integer); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.why_due(p_stream_id text, p_ahead integer) FROM PUBLIC;

--
-- Name: FUNCTION why_owed(p_jti text); Type: ACL; Schema: risc; Owner: -
--

REVOKE ALL ON FUNCTION risc.why_owed(p_jti text) FROM PUBLIC;

--
-- PostgreSQL database dump complete
--
