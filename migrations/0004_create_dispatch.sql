-- Hands due deliveries to graphile-worker: the one place where it is decided how much a stream may have in flight.
-- Decided from rows alone, so all hosts agree and a restart changes nothing. A pass costs what has due rows, not what
-- exists. Plans are forced: with stale statistics the same SQL is up to two hundred times slower.

-- A worker that has not been heard of for this long is dead; whatever it held is given to others.
create function risc.worker_ttl() returns interval language sql immutable return interval '15 seconds';

-- Streams that have a queued delivery whose time has come. One index probe per stream that has any queued delivery.
create function risc.due_streams() returns table (stream_id text, first_due_at timestamptz) language sql stable as $$
  with recursive stream as (
    (select d.stream_id, d.due_at from risc.deliveries d
     where d.state = 'queued' order by d.stream_id, d.due_at limit 1)
    union all
    select n.stream_id, n.due_at from stream s cross join lateral (
      select d.stream_id, d.due_at from risc.deliveries d
      where d.state = 'queued' and d.stream_id > s.stream_id order by d.stream_id, d.due_at limit 1) n
  )
  select s.stream_id, s.due_at from stream s where s.due_at <= now();
$$;

-- The oldest due deliveries of one stream that are not in flight, found among the first p_look.
-- The scalar sub-select stays an index probe whatever the statistics say; a join would not.
create function risc.ready(p_stream_id text, p_room integer, p_look integer) returns setof bigint
language sql stable rows 20 as $$
  select d.id
  from (select q.id, q.due_at from risc.deliveries q
        where q.stream_id = p_stream_id and q.state = 'queued' and q.due_at <= now()
        order by q.due_at, q.id limit p_look) d
  where (select true from risc.inflight i where i.delivery_id = d.id) is null
  limit p_room;
$$;

-- How many deliveries each due stream may be handed now: the rest of its window, as far as it has earned it, what its rate
-- leaves, and its share of what the whole fleet has room for: its slots, and as many again in front of them, so that no
-- slot waits for a pass. Slow streams, those that hang, fail or have yet to prove themselves, are given half of the slots
-- together at most; they take turns by lot, or those that fail would go before all others with their old backlogs. Of the
-- rest those that hold least come first, so a quiet stream passes any backlog of another.
create function risc.rooms() returns table (stream_id text, room integer, held integer) language sql volatile as $$
  with fleet as (
    select coalesce(sum(w.slots), 0) as slots from risc.workers w where w.beat_at > now() - risc.worker_ttl()
  ), held as (
    select i.stream_id, count(*)::integer as held, min(i.dispatched_at) < now() - interval '1 second' as hangs
    from risc.inflight i group by i.stream_id
  ), judged as (
    select h.stream_id, h.held, h.hangs or f.failures > 0 or f.ramp < s.max_in_flight as slow
    from held h join risc.flow f on f.stream_id = h.stream_id join risc.streams s on s.id = h.stream_id
  ), free as (
    select 2 * f.slots - coalesce(sum(j.held), 0) as free,
      greatest(f.slots / 2, 1) - coalesce(sum(j.held) filter (where j.slow), 0) as slow_free
    from fleet f left join judged j on true group by f.slots
  ), wish as (
    select d.stream_id, d.first_due_at, coalesce(j.held, 0) as held,
      coalesce(j.slow, f.failures > 0 or f.ramp < s.max_in_flight) as slow,
      least(
        least(s.max_in_flight, f.ramp) - coalesce(j.held, 0),
        s.rate_burst - ceil(greatest(extract(epoch from p.paid_at - now()), 0) / extract(epoch from s.rate_spacing))
      ) as room
    from risc.due_streams() d
    join risc.streams s on s.id = d.stream_id
    join risc.flow f on f.stream_id = d.stream_id
    join risc.pace p on p.stream_id = d.stream_id
    left join judged j on j.stream_id = d.stream_id
    where s.status = 'enabled' and (j.held is null or exists (select from risc.ready(d.stream_id, 1, j.held + 1)))
  ), class as (
    select w.*, case when w.slow then random() else 0 end as lot,
      case when w.slow then least(f.slow_free, f.free) else f.free end as class_free, f.free
    from wish w cross join free f where w.room > 0
  ), share as (
    select c.*, least(c.room, greatest(1, floor(c.class_free / count(*) over (partition by c.slow)))) as share from class c
  ), turn as (
    select s.*, greatest(least(s.share, s.class_free + s.share
      - sum(s.share) over (partition by s.slow order by s.lot, s.held, s.first_due_at, s.stream_id)), 0) as part
    from share s
  ), given as (
    select t.stream_id, t.held, floor(least(t.part, t.free + t.part
      - sum(t.part) over (order by t.slow desc, t.lot, t.held, t.first_due_at, t.stream_id)))::integer as room
    from turn t
  )
  select g.stream_id, g.room, g.held from given g where g.room > 0;
$$;

-- Makes one job for each ticket, by graphile-worker's public function, with one NOTIFY for all.
create function risc.add_jobs(p_tickets bigint[]) returns table (ticket bigint, job_id bigint)
language plpgsql rows 100 as $$
begin
  return query
  select j.payload::text::bigint, j.id from risc_worker.add_jobs(
    array(select row ('risc.deliver', to_json(t), null, null, 25, null, null, null)::risc_worker.job_spec
          from unnest(p_tickets) t)) j;
end $$;

-- One pass, or nothing (no row) when it is another host's turn. Tells how many deliveries it handed over and what it
-- took here, which the caller's own clock cannot tell apart from its own business.
create function risc.dispatch() returns table (handed integer, took_ms double precision)
language plpgsql set jit = off set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan as $$
declare
  v_deliveries bigint[];
  v_streams text[];
  v_tickets bigint[];
begin
  if not pg_try_advisory_xact_lock(hashtextextended('risc.dispatch', 0)) then
    return;
  end if;
  select array_agg(d.id), array_agg(r.stream_id), array_agg(nextval('risc.inflight_ticket_seq'))
  into v_deliveries, v_streams, v_tickets
  from risc.rooms() r cross join lateral risc.ready(r.stream_id, r.room, r.room + r.held) d (id);
  if v_tickets is not null then
    insert into risc.inflight (ticket, delivery_id, stream_id, job_id) overriding system value
    select j.ticket, h.delivery_id, h.stream_id, j.job_id
    from unnest(v_tickets, v_deliveries, v_streams) h (ticket, delivery_id, stream_id)
    join risc.add_jobs(v_tickets) j on j.ticket = h.ticket;

    update risc.pace p set paid_at = greatest(p.paid_at, now()) + h.handed * s.rate_spacing
    from (select u as stream_id, count(*) as handed from unnest(v_streams) u group by u) h
    join risc.streams s on s.id = h.stream_id
    where p.stream_id = h.stream_id;
  end if;
  handed := coalesce(cardinality(v_tickets), 0);
  took_ms := extract(epoch from clock_timestamp() - statement_timestamp()) * 1000;
  return next;
end $$;
