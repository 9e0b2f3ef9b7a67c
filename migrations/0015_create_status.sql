-- What `risc-worker status` shows, and reads again every second for whoever watches: so but for the exact counts it costs
-- what happens, not what is there. Plans are forced, as in dispatch.

-- How each stream is, but for what has to be counted. What is due is looked for where dispatch does.
create function risc.stream_state()
returns table (
  stream_id text, profile text, status text, status_reason text, status_changed_at timestamptz,
  breaker_open_until timestamptz, breaker_open_because text,
  dispatched bigint, window_earned integer, max_in_flight integer, oldest_due_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off as $$
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

-- How many deliveries each stream has that are not settled, exactly: a second for each million or so.
create function risc.count_deliveries() returns table (stream_id text, waiting bigint, dead bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp set jit = off set enable_seqscan = off as $$
  select c.stream_id, sum(c.waiting)::bigint, sum(c.dead)::bigint from (
    select d.stream_id, count(*) as waiting, 0 as dead from risc.deliveries d where d.state = 'queued' group by d.stream_id
    union all
    select d.stream_id, 0, count(*) from risc.deliveries d where d.state = 'dead' group by d.stream_id) c
  group by c.stream_id;
$$;

-- What was accepted in each whole second since then.
create function risc.accepted_by_second(p_since timestamptz)
returns table (stream_id text, second timestamptz, accepted bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp set jit = off set enable_seqscan = off as $$
  select h.stream_id, date_trunc('second', h.settled_at) as second, count(*) from risc.history h
  where h.settled_at >= p_since and h.settled_at < date_trunc('second', now()) and h.outcome = 'accepted'
  group by h.stream_id, second;
$$;
