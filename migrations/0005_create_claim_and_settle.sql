-- What a worker does with a ticket. Locks are taken in one order by everybody: inflight by ticket, then deliveries by
-- id, then streams by id, then flow by stream. Each function is one autocommitted statement that may be repeated when its
-- answer was lost; a settle that was recorded the first time then returns nothing.

-- Stamps the tickets with the worker and loads what it has to push. A ticket that is gone, or another worker's, yields
-- nothing: its job outlived it. So does one whose stream is no longer enabled, which is queued again, and any ticket for
-- a worker that is not registered, whose claims nobody would respect.
create function risc.claim(p_worker_id uuid, p_tickets bigint[])
returns table (
  ticket bigint, delivery_id bigint, jti text, stream_id text, event_type text, attempts smallint, age_ms bigint,
  expires_in_ms bigint, last_reason text, signed_set text,
  endpoint_url text, authorization_header text, timeout_ms integer, retry_delays_ms integer[]
)
language plpgsql set jit = off set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan as $$
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
  delete from risc.inflight i using risc.streams s
  where i.ticket = any (v_mine) and i.worker_id is null and s.id = i.stream_id and s.status <> 'enabled';
  update risc.inflight i set worker_id = p_worker_id, claimed_at = clock_timestamp()
  where i.ticket = any (v_mine) and i.worker_id is null;
  return query
  select i.ticket, d.id, d.jti, s.id::text, d.event_type, d.attempts,
    (extract(epoch from now() - d.created_at) * 1000)::bigint,
    (extract(epoch from least(
      coalesce(d.retried_at, d.created_at) + s.max_age,
      case s.profile when 'login.gov' then d.created_at + interval '12 hours' end -- its SETs carry exp
    ) - now()) * 1000)::bigint, d.last_reason, d.signed_set,
    s.endpoint_url, s.authorization_header, s.timeout_ms, s.retry_delays_ms
  from risc.inflight i
  join risc.deliveries d on d.id = i.delivery_id
  join risc.streams s on s.id = d.stream_id
  where i.ticket = any (v_mine);
end $$;

-- What a batch of outcomes says of its streams: one answer, be it a refusal, outweighs any trouble of the same moment.
create function risc.learn(p_answered text[], p_troubled text[]) returns void
language plpgsql set jit = off set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
declare
  v_rising text[] := array(
    select f.stream_id from risc.flow f join risc.streams s on s.id = f.stream_id
    where f.stream_id = any (p_answered) and (f.failures > 0 or f.ramp < s.max_in_flight));
  v_falling text[] := array(select t from unnest(p_troubled) t where t <> all (p_answered));
begin
  if cardinality(v_rising) + cardinality(v_falling) = 0 then
    return;
  end if;
  perform from risc.flow f where f.stream_id = any (v_rising || v_falling) order by f.stream_id for update;
  update risc.flow f set failures = 0, ramp = least(2 * f.ramp, s.max_in_flight)
  from risc.streams s
  where s.id = f.stream_id and f.stream_id = any (v_rising) and (f.failures > 0 or f.ramp < s.max_in_flight);
  update risc.flow f set failures = f.failures + 1, ramp = greatest(least(f.ramp, s.max_in_flight) / 2, 1)
  from risc.streams s
  where s.id = f.stream_id and f.stream_id = any (v_falling);
end $$;

-- Records what became of the tickets and returns those that were still valid. The delivery is named too: a server that
-- comes back without its last commits may give a ticket's number again, to another delivery.
-- [{ ticket, delivery_id, next: accepted | retry | dead, counts, delay_ms?, dead_because?, status?, reason?, description?, pauses? }].
create function risc.settle(p_outcomes jsonb) returns bigint[]
language plpgsql set jit = off set enable_seqscan = off set enable_nestloop = off set enable_mergejoin = off
set plan_cache_mode = force_generic_plan as $$
declare
  v_tickets bigint[];
  v_answered text[];
  v_troubled text[];
begin
  v_tickets := array(
    select i.ticket
    from risc.inflight i
    join jsonb_to_recordset(p_outcomes) as o (ticket bigint, delivery_id bigint)
      on o.ticket = i.ticket and o.delivery_id = i.delivery_id
    where i.ticket = any (array(select (o ->> 'ticket')::bigint from jsonb_array_elements(p_outcomes) o))
    order by i.ticket for update of i);
  if cardinality(v_tickets) = 0 then
    return v_tickets;
  end if;

  with landed as materialized (
    delete from risc.inflight i where i.ticket = any (v_tickets) returning i.ticket, i.delivery_id, i.stream_id
  ), owned as materialized (
    select d.id from risc.deliveries d where d.id = any (array(select l.delivery_id from landed l)) order by d.id for update
  ), settled as materialized (
    select w.id, l.stream_id, o.*
    from owned w
    join landed l on l.delivery_id = w.id
    join jsonb_to_recordset(p_outcomes) as o (
      ticket bigint, next text, counts boolean, delay_ms bigint, dead_because text,
      status smallint, reason text, description text, pauses boolean
    ) on o.ticket = l.ticket
  ), accepted as (
    delete from risc.deliveries d where d.id = any (array(select s.id from settled s where s.next = 'accepted'))
    returning d.id, d.stream_id, d.jti, d.txn, d.event_type, d.kid, d.attempts, d.created_at
  ), kept as (
    insert into risc.history (delivery_id, stream_id, jti, txn, event_type, kid, outcome, status, attempts, created_at)
    select a.id, a.stream_id, a.jti, a.txn, a.event_type, a.kid, 'accepted', s.status, a.attempts + 1, a.created_at
    from accepted a join settled s on s.id = a.id
  ), failed as (
    update risc.deliveries d
    set state = case s.next when 'dead' then 'dead' else 'queued' end,
        dead_because = s.dead_because,
        attempts = d.attempts + s.counts::integer,
        due_at = now() + coalesce(s.delay_ms, 0) * interval '1 millisecond',
        last_attempt_at = now(), last_status = s.status, last_reason = s.reason, last_description = s.description
    from settled s
    where d.id = s.id and d.id = any (array(select f.id from settled f where f.next <> 'accepted'))
  ), pausing as materialized (
    select s.id from risc.streams s
    where s.id = any (array(select p.stream_id from settled p where p.pauses)) and s.status = 'enabled'
    order by s.id for no key update skip locked
  ), paused as (
    update risc.streams s
    set status = 'paused', status_changed_at = now(), status_reason = (
      select min(p.reason) from settled p where p.stream_id = s.id and p.pauses)
    where s.id = any (array(select p.id from pausing p))
  )
  select array_agg(distinct s.stream_id) filter (where s.next = 'accepted' or s.dead_because = 'refused'),
    array_agg(distinct s.stream_id) filter (
      where s.reason <> 'stale_connection'
        and (s.next = 'retry' or s.dead_because = 'exhausted' or s.dead_because = 'expired' and s.counts))
  into v_answered, v_troubled from settled s;

  perform risc.learn(coalesce(v_answered, '{}'), coalesce(v_troubled, '{}'));
  return v_tickets;
end $$;

-- Gives tickets back untried: they are queued again at once and no attempt is counted.
create function risc.hand_back(p_worker_id uuid, p_tickets bigint[]) returns integer language plpgsql as $$
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
