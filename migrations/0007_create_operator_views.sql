-- What people look at. No view shows a SET, a subject or a credential.

create view risc.pending as
select d.jti, d.stream_id, d.event_type, d.txn,
  case when i.ticket is null then d.state else 'dispatched' end as state,
  d.attempts, d.due_at, d.created_at, now() - d.created_at as age,
  d.last_attempt_at, d.last_status, d.last_reason, d.last_description,
  w.name as worker, i.claimed_at
from risc.deliveries d
left join risc.inflight i on i.delivery_id = d.id
left join risc.workers w on w.id = i.worker_id
where d.state = 'queued';

create view risc.dead as
select d.jti, d.stream_id, d.event_type, d.txn, d.attempts, d.created_at, d.dead_at,
  d.dead_because, d.last_status as status, d.last_reason as reason, d.last_description as description
from risc.deliveries d
where d.state = 'dead';

create view risc.stream_health as
with queued as (
  select d.stream_id, count(*) as count, min(d.due_at) as oldest_due_at
  from risc.deliveries d where d.state = 'queued' group by d.stream_id
), dead as (
  select d.stream_id, count(*) as count from risc.deliveries d where d.state = 'dead' group by d.stream_id
), dispatched as (
  select i.stream_id, count(*) as count from risc.inflight i group by i.stream_id
)
select s.id as stream_id, s.profile, s.status, s.status_reason,
  f.open_until as breaker_open_until, f.open_because as breaker_open_because,
  coalesce(q.count, 0) - coalesce(i.count, 0) as queued, coalesce(i.count, 0) as dispatched, s.max_in_flight,
  coalesce(d.count, 0) as dead, q.oldest_due_at, greatest(now() - q.oldest_due_at, interval '0') as lag
from risc.streams s
join risc.flow f on f.stream_id = s.id
left join queued q on q.stream_id = s.id
left join dispatched i on i.stream_id = s.id
left join dead d on d.stream_id = s.id;
