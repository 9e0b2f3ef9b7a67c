-- Why a delivery has not arrived: the rules of dispatch, told of one delivery.
-- Older workers: unaffected (new functions). Locks: none.

-- A reason, and the facts that belong to it; null is what does not.
create type risc.explanation as (
  jti text,
  stream_id text,
  event_type text,
  txn text,
  kid text,
  state text,
  created_at timestamptz,
  attempts integer,
  max_attempts integer,
  expires_at timestamptz, -- when it is given up
  reason text,
  because text, -- what is behind the reason: the receiver's err, an operator's words, what the last attempt came to
  changed_by text, -- who paused or disabled the stream, if a name was left
  since timestamptz,
  until timestamptz, -- when the next thing happens
  status integer,
  description text,
  connected_to text,
  set_sha256 bytea,
  worker text,
  waits_for text, -- the jti of another delivery, which goes first
  ahead integer, -- how many of its stream are due before it; 10001 stands for more than ten thousand
  held integer, -- how many its stream has in flight,
  allowed integer, -- may have for now,
  max_in_flight integer, -- and may have at most
  workers integer,
  slots integer,
  slots_held integer
);

-- The delivery that goes before this one: about the same user, or about the stream itself where both are.
create function risc.waited_for(p_delivery_id bigint) returns text language sql stable as $$
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

-- How many of its stream are due before a delivery and not in flight, counted to 10001.
create function risc.due_before(p_stream_id text, p_due_at timestamptz, p_id bigint) returns integer language sql stable as $$
  select count(*)::integer from (
    select from risc.deliveries q
    where q.stream_id = p_stream_id and q.state = 'queued' and (q.due_at, q.id) < (p_due_at, p_id) and not q.urgent
      and (select true from risc.inflight i where i.delivery_id = q.id) is null
    order by q.due_at, q.id limit 10001) q;
$$;

-- What a delivery waits for that is due, whose stream is enabled and whose window and rate have room.
create function risc.why_due(p_stream_id text, p_ahead integer) returns text language sql stable as $$
  select case when max(r.room) > p_ahead then 'next' when max(r.room) is null then 'slots_taken' else 'behind' end
  from risc.rooms(p_stream_id) r where r.stream_id = p_stream_id;
$$;

-- Of what is owed or dead. The cases stand in the order in which somebody would have to see to them.
create function risc.why_owed(p_jti text) returns setof risc.explanation language sql stable as $$
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

-- Why a delivery has not arrived, or that it has; and, where it waits for another one, why that one has not. No row: there
-- is no such delivery on record.
create function risc.why(p_jti text) returns setof risc.explanation
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off as $$
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

-- The beginning of the first day that history has.
create function risc.history_since() returns timestamptz
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select min(to_date(substring(c.relname from '^history_(\d{8})$'), 'YYYYMMDD'))::timestamp at time zone 'UTC'
  from pg_inherits n join pg_class c on c.oid = n.inhrelid
  where n.inhparent = 'risc.history'::regclass;
$$;

revoke execute on function risc.why, risc.history_since from public;
