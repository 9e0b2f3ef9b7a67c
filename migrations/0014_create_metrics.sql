-- What metrics show of rows. Every worker that is scraped asks, so it stays cheap whatever waits.

-- One row for each of the p_named oldest streams, the others together as '(other)', which can be no stream's name; of
-- those, one row for each status and reason, with the oldest of the status. About three times p_budget rows are counted at
-- most, or ten of each state where there are more than ten thousand streams: first as many of each stream's queued and dead
-- as p_budget allows, a thousand at most, then what is left of those that have more, which share it.
create function risc.stream_figures(p_named integer, p_budget integer)
returns table (
  stream_id text, status text, reason text, streams float8, oldest_due_age float8,
  queued float8, dispatched float8, dead float8, open_breakers float8, send_window float8, certificate_expires_at float8
)
language sql stable security definer set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan as $$
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

-- What all streams share. The oldest snapshot keeps vacuum from removing what every hand-over leaves behind; sessions of
-- other roles are seen by a role that has pg_read_all_stats.
create function risc.database_figures()
returns table (workers float8, slots float8, oldest_snapshot_age float8, inflight_dead_rows float8)
language sql stable set search_path = pg_catalog, pg_temp as $$
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
