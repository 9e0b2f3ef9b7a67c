-- What people look at. No view shows a SET, a subject or a credential.

create view risc.pending as
select d.jti, d.stream_id, d.event_type, d.txn,
  case when i.ticket is null then d.state else 'dispatched' end as state,
  d.attempts, d.due_at, d.created_at, now() - d.created_at as age,
  risc.expires_at(s.profile, s.max_age, d.created_at, d.retried_at) as expires_at, -- when it is given up
  d.last_attempt_at, d.last_status, d.last_reason, d.last_description,
  w.name as worker, i.claimed_at
from risc.deliveries d
join risc.streams s on s.id = d.stream_id
left join risc.inflight i on i.delivery_id = d.id
left join risc.workers w on w.id = i.worker_id
where d.state = 'queued';

create view risc.dead as
select d.jti, d.stream_id, d.event_type, d.txn, d.attempts, d.created_at, d.last_attempt_at, d.dead_at,
  d.dead_because, d.last_status as status, d.last_reason as reason, d.last_description as description
from risc.deliveries d
where d.state = 'dead';

-- Every delivery on record with all that is recorded of it, whatever its state.
create view risc.recorded as
select d.jti, d.stream_id, d.event_type, d.txn, d.kid,
  case when i.ticket is null then d.state else 'dispatched' end as state,
  d.urgent, d.attempts, d.created_at, d.retried_at, d.due_at,
  case d.state when 'queued' then risc.expires_at(s.profile, s.max_age, d.created_at, d.retried_at) end as expires_at,
  i.dispatched_at, i.probe, w.name as worker, i.claimed_at,
  d.first_failed_at, d.last_attempt_at, d.last_status as status, d.last_reason as reason,
  d.last_description as description, d.dead_because, d.dead_at, null::timestamptz as settled_at, null as connected_to,
  null::bytea as certificate_sha256, null::bytea as set_sha256
from risc.deliveries d
join risc.streams s on s.id = d.stream_id
left join risc.inflight i on i.delivery_id = d.id
left join risc.workers w on w.id = i.worker_id
union all
select h.jti, h.stream_id, h.event_type, h.txn, h.kid, h.outcome, null, h.attempts, h.created_at, null, null, null,
  null, null, null, null, null, null, h.status, h.reason, null, null, null, h.settled_at, h.connected_to,
  h.certificate_sha256, h.set_sha256
from risc.history h;

-- When a stream's rate lets the next request through: the rate of risc.rooms(), the other way round.
create function risc.rate_room_at(p_stream_id text) returns timestamptz
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select p.paid_at - (s.rate_burst - 1) * s.rate_spacing
  from risc.streams s join risc.pace p on p.stream_id = s.id
  where s.id = p_stream_id order by p.stream_id, p.paid_at desc limit 1;
$$;

create view risc.stream_health as
with queued as (
  select d.stream_id, count(*) as count, min(d.due_at) as oldest_due_at
  from risc.deliveries d where d.state = 'queued' group by d.stream_id
), dead as (
  select d.stream_id, count(*) as count from risc.deliveries d where d.state = 'dead' group by d.stream_id
), dispatched as (
  select i.stream_id, count(*) as count from risc.inflight i group by i.stream_id
)
select s.id as stream_id, s.profile, s.status, s.status_reason, s.status_changed_at,
  f.open_until as breaker_open_until, f.open_because as breaker_open_because,
  coalesce(q.count, 0) - coalesce(i.count, 0) as queued, coalesce(i.count, 0) as dispatched,
  least(f.ramp, s.max_in_flight) as window_earned, s.max_in_flight, risc.rate_room_at(s.id) as rate_room_at,
  coalesce(d.count, 0) as dead, q.oldest_due_at, greatest(now() - q.oldest_due_at, interval '0') as lag
from risc.streams s
join risc.flow f on f.stream_id = s.id
left join queued q on q.stream_id = s.id
left join dispatched i on i.stream_id = s.id
left join dead d on d.stream_id = s.id;
