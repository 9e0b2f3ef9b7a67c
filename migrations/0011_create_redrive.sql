-- Sending dead letters again, and discarding what nobody wants sent. Many at once are a redrive: released in turns by the
-- workers, at a rate, and only where nothing else waits for room.
-- Older workers: unaffected, but none of them takes a redrive further. Locks: none that anybody waits for.

-- Which dead letters are meant; what is null says nothing.
create type risc.dead_filter as (
  stream_id text, event_type text, reason text, since timestamptz, until timestamptz
);

create function risc.fits(p_delivery risc.deliveries, p_filter risc.dead_filter) returns boolean language sql stable
return p_delivery.state = 'dead'
  and (p_filter.stream_id is null or p_delivery.stream_id = p_filter.stream_id)
  and (p_filter.event_type is null or p_delivery.event_type = p_filter.event_type)
  and (p_filter.reason is null or p_filter.reason in (p_delivery.dead_because, p_delivery.last_reason))
  and (p_filter.since is null or p_delivery.dead_at >= p_filter.since)
  and (p_filter.until is null or p_delivery.dead_at <= p_filter.until);

-- Why a dead letter cannot be sent again, or null: max_age would start anew, the exp of its SET does not.
create function risc.unsendable_because(p_stream risc.streams, p_created_at timestamptz) returns text language sql stable
return case
  when p_stream.status = 'disabled' then 'stream_disabled'
  when risc.expires_at(p_stream.profile, p_stream.max_age, p_created_at, now()) <= now() then 'exp_passed' end;

-- Has deliveries sent again, with the same jti and the same bytes: dead letters get all their attempts back, waiting ones,
-- of which a redrive knows nothing, are due at once. What is in flight or held by somebody is left alone, and so is a dead
-- letter that cannot be sent. Returns what it touched.
create function risc.send_again(p_deliveries bigint[], p_redrive_id bigint)
returns table (delivery_id bigint, jti text) language plpgsql set search_path = pg_catalog, pg_temp as $$
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

create function risc.retry(p_jtis text[]) returns setof text language sql set search_path = pg_catalog, pg_temp as $$
  select a.jti from risc.send_again(array(select d.id from risc.deliveries d where d.jti = any (p_jtis)), null) a;
$$;

-- Dead letters to be sent again: those that fit and were dead when it began. What dies again is not its business.
create table risc.redrives (
  id bigint generated always as identity primary key,
  stream_id text collate "C",
  event_type text,
  reason text,
  since timestamptz,
  until timestamptz not null,
  created_at timestamptz not null default now(),
  created_by text not null,
  cancelled_at timestamptz,
  cancelled_by text,
  constraint cancelled_says_by_whom check ((cancelled_at is null) = (cancelled_by is null)),
  constraint names_are_bounded check (char_length(created_by) <= 200 and char_length(cancelled_by) <= 200)
);

-- How far a redrive is with one stream. Whatever fits up to after_id has been released or skipped.
create table risc.redrive_streams (
  redrive_id bigint not null references risc.redrives on delete cascade,
  stream_id text collate "C" not null references risc.streams on delete cascade,
  state text not null default 'running'
    constraint state_is_known check (state in ('running', 'cancelled', 'done')),
  per_second double precision not null -- released at most
    constraint rate_is_positive check (per_second > 0),
  total bigint not null, -- that fitted when it began
  released bigint not null default 0,
  skipped bigint not null default 0, -- their exp had passed
  after_id bigint not null,
  next_at timestamptz not null default now(), -- when the rate allows the next
  primary key (redrive_id, stream_id)
) with (fillfactor = 50);

-- One at a time, or no rate would be one.
create unique index redrive_streams_running on risc.redrive_streams (stream_id) where state = 'running';

-- How many dead letters of each stream fit, how many of these cannot be sent again, and how many are about the stream
-- itself: what they say of it may not be so any more, so nobody sends them again in numbers.
create function risc.count_dead(p_filter risc.dead_filter)
returns table (
  stream_id text, first_id bigint, total bigint, exp_passed bigint, stream_disabled bigint, about_stream bigint
) language sql stable set search_path = pg_catalog, pg_temp as $$
  select d.stream_id, min(d.id), count(*), count(*) filter (where w.why = 'exp_passed'),
    count(*) filter (where w.why = 'stream_disabled'), count(*) filter (where w.why = 'about_stream')
  from risc.deliveries d
  join risc.streams s on s.id = d.stream_id
  cross join lateral (
    select case when d.urgent then 'about_stream' else risc.unsendable_because(s, d.created_at) end as why) w
  where d.state = 'dead' and risc.fits(d, p_filter)
  group by d.stream_id;
$$;

-- What a redrive would do: by default it takes a quarter of what each stream may be sent, 50 a second at most.
create function risc.plan_redrive(p_filter risc.dead_filter, p_per_second double precision default null)
returns table (
  stream_id text, first_id bigint, total bigint, exp_passed bigint, stream_disabled bigint, about_stream bigint,
  to_send bigint, per_second double precision
) language sql stable set search_path = pg_catalog, pg_temp as $$
  select c.*, c.total - c.exp_passed - c.stream_disabled - c.about_stream,
    coalesce(p_per_second, least(s.rate_limit / extract(epoch from s.rate_interval) / 4, 50)::double precision)
  from risc.count_dead(p_filter) c join risc.streams s on s.id = c.stream_id;
$$;

-- Begins a redrive and returns its id, or null if there is nothing to send. Fails while another one has one of its streams.
create function risc.start_redrive(p_filter risc.dead_filter, p_per_second double precision, p_by text) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
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

-- Tells whether it was under way. What was released is sent.
create function risc.cancel_redrive(p_redrive_id bigint, p_by text) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update risc.redrive_streams r set state = 'cancelled' where r.redrive_id = p_redrive_id and r.state = 'running';
  if not found then
    return false;
  end if;
  update risc.redrives r set cancelled_at = now(), cancelled_by = p_by where r.id = p_redrive_id;
  return true;
end $$;

-- Tells whether it had been cancelled. It goes on with what is left.
create function risc.resume_redrive(p_redrive_id bigint) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
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

-- What all redrives together may release a second, in ten turns; null without a worker. In a turn it is a quarter of what a
-- dispatcher's pass may add: the rest is for whatever is enqueued at that moment.
create function risc.redrives_per_second() returns double precision language sql stable
return (
  select 10 * greatest(floor(sum(w.slots) / 64.0), 1) from risc.workers w
  where w.beat_at > now() - risc.worker_ttl() having count(*) > 0);

-- How many dead letters may be released now: what the rate allows, as far as half of the stream's window, half of its burst
-- and a quarter of the fleet's slots stay free, all that is in flight or waits for room counted. So whatever is enqueued
-- next finds room. What still waits for a pass or for a worker counts against the next turn: a fleet that is behind, be it
-- for want of processors, is not given more. A breaker that is to be tried may be tried by one, since nothing else may come.
create function risc.redrive_rooms() returns table (redrive_id bigint, stream_id text, room integer)
language sql volatile as $$
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

-- Releases the next dead letters of one stream, p_room at most. Looks at a bounded number of them, and no further than the
-- first that somebody else holds: it is met again in the next turn.
create function risc.release(p_redrive_id bigint, p_stream_id text, p_room integer)
returns table (released integer, skipped integer) language plpgsql set search_path = pg_catalog, pg_temp as $$
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

-- One turn of all redrives, or nothing (no row) when it is another worker's. Tells how many streams they are still to go on
-- with.
create function risc.redrive() returns table (released integer, skipped integer, running integer)
language plpgsql security definer set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan as $$
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

-- How far each redrive is. What was released and is none of waiting, accepted, dead_again and discarded was erased, sent
-- again by a later redrive, or is no longer on record.
create view risc.redrive_progress as
select r.id, p.state, r.stream_id, r.event_type, r.reason, r.since, r.until,
  p.total, p.released, p.skipped, p.remaining, p.per_second, p.remaining_for,
  d.waiting, h.accepted, d.dead_again, h.discarded,
  r.created_at, r.created_by, r.cancelled_at, r.cancelled_by
from risc.redrives r
cross join lateral (
  select case when bool_or(s.state = 'running') then 'running' when bool_or(s.state = 'cancelled') then 'cancelled' else 'done' end
      as state,
    coalesce(sum(s.total), 0)::bigint as total, coalesce(sum(s.released), 0)::bigint as released,
    coalesce(sum(s.skipped), 0)::bigint as skipped, coalesce(sum(l.remaining), 0)::bigint as remaining,
    coalesce(sum(s.per_second) filter (where s.state <> 'done'), 0) as per_second,
    coalesce(greatest(max(l.remaining / s.per_second), sum(l.remaining)::float8 / risc.redrives_per_second()), 0)
      * interval '1 second' as remaining_for
  from risc.redrive_streams s cross join lateral (
    select case when s.state = 'done' then 0 else greatest(s.total - s.released - s.skipped, 0) end as remaining) l
  where s.redrive_id = r.id) p
cross join lateral (
  select count(*) filter (where q.state = 'queued') as waiting, count(*) filter (where q.state = 'dead') as dead_again
  from risc.deliveries q where q.redrive_id = r.id) d
cross join lateral (
  select count(*) filter (where g.outcome = 'accepted') as accepted, count(*) filter (where g.outcome = 'discarded') as discarded
  from risc.history g where g.redrive_id = r.id and g.settled_at >= r.created_at) h;

-- Discards deliveries for a reason, dead or queued: they leave for risc.history without their SET. What is in flight or held
-- by somebody is left alone. Returns what it discarded.
create function risc.discard(p_jtis text[], p_reason text) returns setof text
language plpgsql set search_path = pg_catalog, pg_temp as $$
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

-- Discards those of the next thousand dead letters of one stream that fit, after p_after. Tells how many it discarded and
-- after which to go on, or null when there are no more.
create function risc.discard_dead(p_filter risc.dead_filter, p_after bigint, p_reason text)
returns table (discarded integer, after_id bigint)
language plpgsql set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan as $$
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
