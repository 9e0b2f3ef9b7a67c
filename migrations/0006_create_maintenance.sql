-- Nothing stays stuck: what a dead worker, a lost job or a lost answer left behind is found here and queued again.

-- The advisory lock that a session of each worker holds for as long as it lives: the database sees a process die.
create function risc.lifeline(p_worker_id uuid) returns bigint language sql immutable
return hashtextextended('risc.worker ' || p_worker_id, 0);

-- A sign of life. Returns how many workers are alive, so that together they ask for a pass no more often than one does.
create function risc.beat(
  p_worker_id uuid, p_name text, p_slots integer, p_pool_id text, p_has_lifeline boolean, p_dispatched_ms_ago float8
) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into risc.workers (id, name, slots, pool_id, has_lifeline, dispatched_at)
  values (p_worker_id, p_name, p_slots, p_pool_id, p_has_lifeline, now() - p_dispatched_ms_ago * interval '1 millisecond')
  on conflict (id) do update
  set slots = excluded.slots, pool_id = excluded.pool_id, has_lifeline = excluded.has_lifeline, beat_at = now(),
      dispatched_at = coalesce(excluded.dispatched_at, risc.workers.dispatched_at);
  return (select count(*) from risc.workers w where w.beat_at > now() - risc.worker_ttl());
end $$;

-- A worker's last word: what it still holds is queued again, and what its runners had locked is free.
create function risc.leave(p_worker_id uuid, p_pool_ids text[]) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_requeued integer;
begin
  v_requeued := risc.hand_back(p_worker_id, array(select i.ticket from risc.inflight i where i.worker_id = p_worker_id));
  delete from risc.workers w where w.id = p_worker_id;
  perform risc_worker.force_unlock_workers(p_pool_ids);
  return v_requeued;
end $$;

-- Queues again what is in flight and cannot land any more; at most p_limit, never waiting for a row that is busy. What a
-- living worker has claimed is only taken back if p_steady: after an outage it may hold the outcome in its hand.
create function risc.requeue_lost(p_limit integer, p_steady boolean) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_count integer;
begin
  with lost as (
    select i.ticket from risc.inflight i
    left join risc_worker.jobs j on j.id = i.job_id
    where i.ticket >= (select l.last_value from risc.low_ticket l) and case
      when i.worker_id is not null then -- by a worker that is gone, or longer than any stream's timeout allows
        not exists (select from risc.workers w where w.id = i.worker_id)
          or p_steady and i.claimed_at < now() - interval '2 minutes'
      when j.id is null or (j.locked_at is null and j.attempts >= j.max_attempts) then -- nobody will claim it
        i.dispatched_at < now() - interval '2 seconds'
      else -- fetched by a runner that does not know of it
        i.dispatched_at < now() - interval '1 minute' and j.locked_at < now() - interval '1 minute'
    end
    order by i.ticket limit p_limit for update of i skip locked
  )
  delete from risc.inflight i using lost l where i.ticket = l.ticket;
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- Gives up what is too old, also where nothing is sent; at most p_limit. What is oldest is due first, but for what waits
-- for another attempt: so the first ten of each stream tell whether it is worth to look at a thousand.
create function risc.expire(p_limit integer) returns integer
language plpgsql set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan as $$
declare
  v_count integer;
begin
  with expired as (
    select d.id from risc.deliveries d
    where d.state = 'queued' and d.id = any (array(
      select o.id from risc.due_streams() w
      join risc.streams s on s.id = w.stream_id
      cross join lateral (
        select bool_or(risc.expires_at(s.profile, s.max_age, f.created_at, f.retried_at) <= now()) as some
        from (select q.created_at, q.retried_at from risc.deliveries q
              where q.stream_id = w.stream_id and q.state = 'queued'
                and (q.due_at, q.id) >= (w.first_due_at, w.first_id) and q.due_at <= now()
              order by q.due_at, q.id limit 10) f) first
      cross join lateral (
        select q.id, q.created_at, q.retried_at from risc.deliveries q
        where q.stream_id = w.stream_id and q.state = 'queued'
          and (q.due_at, q.id) >= (w.first_due_at, w.first_id) and q.due_at <= now()
        order by q.due_at, q.id limit case when first.some then 1000 else 0 end) o
      where risc.expires_at(s.profile, s.max_age, o.created_at, o.retried_at) <= now()
        and (select true from risc.inflight i where i.delivery_id = o.id) is null
      limit p_limit))
    order by d.id for update skip locked
  )
  update risc.deliveries d set state = 'dead', dead_because = 'expired', dead_at = now(),
    last_reason = coalesce(d.last_reason, 'too_old')
  from expired e where d.id = e.id;
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- Moves deliveries that the caller has locked to history as discarded, and returns their jtis.
create function risc.discard_deliveries(p_deliveries bigint[], p_reason text) returns setof text
language sql set search_path = pg_catalog, pg_temp as $$
  with gone as (
    delete from risc.deliveries d where d.id = any (p_deliveries) returning d.*
  )
  insert into risc.history
    (delivery_id, stream_id, jti, txn, event_type, kid, set_sha256, outcome, reason, redrive_id, attempts, created_at)
  select g.id, g.stream_id, g.jti, g.txn, g.event_type, g.kid, risc.set_sha256(g.signed_set),
    'discarded', p_reason, g.redrive_id, g.attempts, g.created_at
  from gone g
  returning jti;
$$;

-- Discards what waits for a stream that is, or was until now, disabled (SSF 1.0 §8.1.2.1: nothing is held for it); at most
-- p_limit. What is urgent tells the receiver of it.
create function risc.discard_waiting(p_stream_id text, p_limit integer) returns integer
language plpgsql set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan as $$
declare
  v_locked bigint[] := array(
    select d.id from risc.deliveries d
    where d.state = 'queued' and d.id = any (array(
      select o.id from (
        select q.id from risc.deliveries q
        where q.stream_id = p_stream_id and q.state = 'queued' and not q.urgent
        order by q.due_at, q.id limit p_limit) o
      where (select true from risc.inflight i where i.delivery_id = o.id) is null))
    order by d.id for update skip locked);
begin
  return (select count(*) from risc.discard_deliveries(v_locked, 'stream_disabled'));
end $$;

-- The same for a few of the streams that are disabled, at most p_limit of each.
create function risc.discard_disabled(p_limit integer) returns integer language sql
begin atomic
  select coalesce(sum(risc.discard_waiting(s.id, p_limit)), 0)::integer from (
    select s.id from risc.streams s
    where s.status = 'disabled'
      and exists (select from risc.deliveries q where q.stream_id = s.id and q.state = 'queued' and not q.urgent)
    limit 5) s;
end;

-- What can wait, and may be dear: so it is a statement of its own, which takes nothing else down with it.
create function risc.tidy() returns table (expired integer, discarded integer)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  expired := risc.expire(2000);
  discarded := risc.discard_disabled(2000);
  delete from risc.urgent u where not exists (select from risc.deliveries d where d.id = u.delivery_id);
  return next;
end $$;

-- After a restart everybody's heartbeat is as old as the outage was long.
create function risc.server_started_at() returns timestamptz language sql stable return pg_postmaster_start_time();

-- Takes the registration of workers that are gone: silent for a whole TTL, or silent at all if the database saw the
-- connection end that was their lifeline. After an outage everybody is silent, and nobody's lifeline has lasted: so this
-- is believed only if the database has been there without a break for p_steady_for. Returns graphile-worker's names for
-- the runners that these workers had.
create function risc.remove_dead_workers(p_steady_for interval) returns setof text language sql
begin atomic
  delete from risc.workers w
  where p_steady_for > risc.worker_ttl() and w.beat_at < now() - risc.worker_ttl()
    or p_steady_for > interval '5 seconds' and w.has_lifeline and w.beat_at < now() - interval '2 seconds' and not exists (
      select from pg_locks l
      where l.locktype = 'advisory' and l.objsubid = 1 and l.classid::bigint << 32 | l.objid::bigint = risc.lifeline(w.id)
        and l.database = (select d.oid from pg_database d where d.datname = current_database()))
  returning coalesce(w.pool_id, '');
end;

-- Whether a table of a few live rows has so many dead ones that they are in the way: autovacuum wakes once a minute, and by
-- then there may be a hundred thousand. Where a vacuum has not helped, as under a held snapshot, the next waits a second for
-- ten thousand, a minute at most: each makes all sessions plan anew.
create function risc.needs_vacuum(p_table regclass) returns boolean language sql stable
return pg_stat_get_dead_tuples(p_table) > 5000 and coalesce(
  greatest(pg_stat_get_last_vacuum_time(p_table), pg_stat_get_last_autovacuum_time(p_table))
    < now() - least(pg_stat_get_dead_tuples(p_table) / 10000.0, 60) * interval '1 second',
  true);

-- One round, or nothing (no row) when it is another host's turn, by a worker whom the database has answered without a
-- break for p_answered_for_ms.
create function risc.maintain(p_answered_for_ms double precision)
returns table (
  dead_workers integer, requeued integer, unlocked_pools integer, removed_jobs integer, needs_vacuum boolean
)
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  v_steady_for interval := least(p_answered_for_ms * interval '1 millisecond', now() - risc.server_started_at());
  v_dead text[];
  v_pools text[];
  v_jobs bigint[];
begin
  if not pg_try_advisory_xact_lock(hashtextextended('risc.maintain', 0)) then
    return;
  end if;

  v_dead := array(select risc.remove_dead_workers(v_steady_for));
  dead_workers := cardinality(v_dead);

  v_pools := array(
    select distinct j.locked_by from risc_worker.jobs j
    where (j.locked_at < now() - interval '5 seconds' or j.locked_by = any (v_dead))
      and not exists (select from risc.workers w where w.pool_id = j.locked_by));
  unlocked_pools := cardinality(v_pools);
  if unlocked_pools > 0 then
    perform risc_worker.force_unlock_workers(v_pools);
  end if;

  v_jobs := array(
    select j.id from risc_worker.jobs j
    where j.task_identifier = 'risc.deliver' and j.locked_at is null and j.attempts >= j.max_attempts limit 1000);
  removed_jobs := cardinality(v_jobs);
  if removed_jobs > 0 then
    perform risc_worker.complete_jobs(v_jobs);
  end if;

  requeued := risc.requeue_lost(1000, v_steady_for > risc.worker_ttl());
  needs_vacuum := risc.needs_vacuum('risc.inflight');

  begin
    perform set_config('lock_timeout', '100ms', true);
    perform risc.make_partitions();
  exception when lock_not_available then
    null; -- somebody reads all of history, as a dump does: there is a week to try again
  end;
  return next;
end $$;
