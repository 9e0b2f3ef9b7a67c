-- Hands due deliveries to graphile-worker: the one place where it is decided how much a stream may have in flight.
-- Decided from rows alone, so all hosts agree and a restart changes nothing. A pass costs what has due rows, and next to
-- nothing what only exists. Plans are forced: with stale statistics the same SQL is up to two hundred times slower.

-- A worker that has not been heard of for this long is dead; whatever it held is given to others.
create function risc.worker_ttl() returns interval language sql immutable return interval '15 seconds';

-- What was settled leaves dead index entries, and while somebody holds an old snapshot no vacuum takes them away. So no
-- search begins at the beginning: no live ticket is below this sequence, which is none to draw from but a place that
-- has no dead rows of its own. Only dispatch makes tickets, so it is exact, but for a restored dump: the survey sees to that.
create sequence risc.low_ticket;

-- How many were in flight at most of late: what the fleet has shown that it carries at a time. A sequence for the same reason.
create sequence risc.lately_in_flight minvalue 0 start 0;

-- Whether a search for what is due begins at each stream's mark: while the search from the beginning is slow.
create table risc.survey (
  only_row boolean primary key default true check (only_row),
  from_marks boolean not null default false,
  next_at timestamptz not null default 'epoch'
);
insert into risc.survey default values;

-- Streams that have a queued delivery whose time has come, those from p_from on and before p_before, found from the beginning
-- of what is due: one index probe per stream that has any queued delivery.
create function risc.survey_due_streams(p_from text default '', p_before text default chr(127)) -- greater than any id
returns table (stream_id text, first_due_at timestamptz, first_id bigint)
language sql stable as $$
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

-- The same, or from each stream's mark on: then one index probe per stream.
create function risc.due_streams(p_from text default '', p_before text default chr(127))
returns table (stream_id text, first_due_at timestamptz, first_id bigint)
language sql stable as $$
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

-- Looks from the beginning, seldom when that is dear, and decides whether the passes may. Marks rise with what dispatch
-- hands out; here they sink again to what a long transaction committed late.
create function risc.survey() returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan as $$
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

-- A delivery waits for an earlier one about the same user only while that one has been failing for less than five
-- minutes. An outage of the receiver is no failing of the delivery: the five minutes start again when it is over. So this
-- is the time before which a first failure has to be for a delivery not to be waited for.
create function risc.not_waited_for(p_open_until timestamptz, p_closed_at timestamptz) returns timestamptz
language sql stable
return case when p_open_until is not null or p_closed_at > now() - interval '5 minutes' then '-infinity'
  else now() - interval '5 minutes' end;

-- The event that tells a receiver of its stream's status (SSF 1.0 §8.1.5).
create function risc.stream_updated() returns text language sql immutable
return 'https://schemas.openid.net/secevent/ssf/event-type/stream-updated';

-- The oldest due deliveries of one stream that nothing holds back, found among the first p_look from that one on: not in
-- flight, and where order matters, behind none about the same user that is still owed.
-- The scalar sub-selects stay index probes whatever the statistics say; joins would not.
create function risc.ready(
  p_stream_id text, p_ordered boolean, p_failed_by timestamptz, p_from timestamptz, p_from_id bigint, p_room integer,
  p_look integer
) returns setof bigint
language sql stable rows 20 as $$
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

-- The same for a stream whose oldest deliveries all wait for others: looks at the first few of each of up to two hundred
-- users, from anywhere on, so that a million deliveries about one user hide nobody else's.
create function risc.ready_elsewhere(p_stream_id text, p_failed_by timestamptz, p_room integer) returns setof bigint
language sql volatile rows 20 as $$
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

-- How many deliveries each due stream may be handed now: the rest of its window, as far as it has earned it, one if its
-- breaker is to be tried, what its rate leaves, and its share of the fleet's slots.
--
-- Slow streams, those that hang, fail, take long or have yet to prove themselves, are given half of the slots together at
-- most, and little in one pass, lest what began together ends together. An eighth is kept for streams that hold little:
-- whatever begins to hang, all at once and unforeseen, a quiet stream finds a slot. Of the others those that hold least
-- come first, and all by lot: by age, whoever has an old backlog would go before everybody else. Beyond what the fleet has
-- carried of late, all together get a sixteenth of the slots more in a pass (or eight), but each stream one: a backlog due
-- everywhere at once would keep the processors from everybody while its requests start.
--
-- Where more streams may be sent something than there are free slots (or two hundred), a pass looks at so many, from p_from on or
-- from any one of all, besides those that have something in flight.
create function risc.rooms(p_from text default null)
returns table (
  stream_id text, ordered boolean, failed_by timestamptz, first_due_at timestamptz, first_id bigint, room integer, held integer,
  probe boolean
) language sql volatile as $$
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

-- Makes jobs of tickets, by graphile-worker's public function, with one NOTIFY for all. A job of many costs the queue as much as
-- a job of one, and while somebody holds an old snapshot each job that ever was lies in the way of the next search for one. So
-- there is one where there is one host, and else two for each, which is what a host fetches at a time. None is of more than half
-- of a host's slots, or an eighth of the smallest's where hosts differ, which must not take more than it can carry.
create function risc.add_jobs(p_tickets bigint[]) returns table (ticket bigint, job_id bigint)
language plpgsql set search_path = pg_catalog, pg_temp rows 100 as $$
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

-- What is urgent and due: of each stream one at a time, all together in an eighth of the slots. A status waits until the
-- one before it is settled, since the receiver believes the last to arrive.
create function risc.choose_urgent() returns table (delivery_id bigint, stream_id text) language sql stable as $$
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

-- What a pass hands over: what is urgent whatever else holds the stream back, and for the rest as many of each stream as
-- it has room for.
create function risc.choose()
returns table (delivery_id bigint, stream_id text, first_due_at timestamptz, first_id bigint, probe boolean)
language sql volatile as $$
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

-- Lets the searches of the passes to come begin at the oldest ticket that is out.
create function risc.raise_low_ticket() returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
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

-- Remembers what is in flight after a pass that handed over p_handed; what it was before is forgotten within seconds.
create function risc.note_in_flight(p_handed integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
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

-- Has streams pay for what they were handed, an element for each delivery, and raises their marks to what was the first due.
create function risc.charge(p_streams text[], p_firsts timestamptz[], p_first_ids bigint[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_hashjoin = off set enable_mergejoin = off as $$
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

-- One pass, or nothing (no row) when it is another host's turn. Tells how many deliveries it handed over and what it
-- took here, which the caller's own clock cannot tell apart from its own business.
create function risc.dispatch() returns table (handed integer, took_ms double precision)
language plpgsql security definer set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan as $$
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
