-- What a worker does with a ticket. Locks are taken in one order by everybody: inflight by ticket, then deliveries by
-- id, then streams by id, then flow by stream. Each function is one autocommitted statement that may be repeated when its
-- answer was lost; a settle that was recorded the first time then returns nothing.

-- Stamps the tickets with the worker and loads what it has to push. A ticket that is gone, or another worker's, yields
-- nothing: its job outlived it. So does one whose delivery is gone, one whose stream is no longer enabled, which is queued
-- again unless it is urgent, and any ticket for a worker that is not registered, whose claims nobody would respect.
create function risc.claim(p_worker_id uuid, p_tickets bigint[])
returns table (
  ticket bigint, delivery_id bigint, jti text, stream_id text, event_type text, attempts smallint, age_ms bigint,
  expires_in_ms bigint, last_reason text, probe boolean, urgent boolean, traceparent text, signed_set text,
  endpoint_url text, credential text, token_request jsonb, timeout_ms integer, retry_delays_ms integer[],
  allowed_networks cidr[], allowed_ports integer[], ca_certificates text, client_certificate text, client_private_key text
)
language plpgsql security definer set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan as $$
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

-- What a batch says of its streams: [{ stream_id, answered, slow?, troubled?, holds?, waits_ms?,
-- certificate_expires_at? }]. One answer, be it a refusal, outweighs any trouble of the same moment, but not a receiver's
-- wish to be left alone for waits_ms. The breaker opens after five batches of nothing but trouble, or one whose trouble
-- somebody has to end (holds), or such a wish; and again after a probe that brought no answer, each time for longer.
-- Troubles of what was sent before it opened are no news, and those of a proxy of our own say nothing of the receiver: its
-- window and the next pause stay as they were. Those of its token endpoint say nothing of its window either, but each pause
-- is longer. Where somebody has a stream's row for long, as a transaction that mends it, a batch forgets what it learned
-- rather than wait. Each stream is probed for: by the other joins all of risc.flow is read, and settle has nested loops off.
create function risc.learn(p_lessons jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_nestloop = on
set plan_cache_mode = force_generic_plan set lock_timeout = '250ms' as $$
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

-- What is kept of a SET that is settled. Stable as convert_to is: only so it is inlined.
create function risc.set_sha256(p_signed_set text) returns bytea language sql stable
return sha256(convert_to(p_signed_set, 'UTF8'));

-- Records what became of the tickets and returns those that were still valid. The delivery is named too: a server that
-- comes back without its last commits may give a ticket's number again, to another delivery.
-- [{ ticket, delivery_id, next: accepted | retry | dead, counts, delay_ms?, dead_because?, status?, reason?, description?,
-- connected_to?, certificate_sha256?, certificate_expires_at?, duration_ms?, waits_ms?, holds?, pauses? }]. What has a
-- duration was an attempt.
create function risc.settle(p_outcomes jsonb) returns bigint[]
language plpgsql security definer set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_nestloop = off set enable_mergejoin = off
set plan_cache_mode = force_generic_plan as $$
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

-- Gives tickets back untried: they are queued again at once and no attempt is counted.
create function risc.hand_back(p_worker_id uuid, p_tickets bigint[]) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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
