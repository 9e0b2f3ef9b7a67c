-- Nothing stays stuck: what a dead worker, a lost job or a lost answer left behind is found here and queued again.

-- A sign of life. Returns how many workers are alive, so that together they ask for a pass no more often than one does.
create function risc.beat(p_worker_id uuid, p_name text, p_slots integer, p_pool_id text) returns integer
language plpgsql as $$
begin
  insert into risc.workers (id, name, slots, pool_id) values (p_worker_id, p_name, p_slots, p_pool_id)
  on conflict (id) do update set slots = excluded.slots, pool_id = excluded.pool_id, beat_at = now();
  return (select count(*) from risc.workers w where w.beat_at > now() - risc.worker_ttl());
end $$;

-- A worker's last word: what it still holds is queued again, and what its runners had locked is free.
create function risc.leave(p_worker_id uuid, p_pool_ids text[]) returns integer language plpgsql as $$
declare
  v_requeued integer;
begin
  v_requeued := risc.hand_back(p_worker_id, array(select i.ticket from risc.inflight i where i.worker_id = p_worker_id));
  delete from risc.workers w where w.id = p_worker_id;
  perform risc_worker.force_unlock_workers(p_pool_ids);
  return v_requeued;
end $$;

-- Queues again what is in flight and cannot land any more; at most p_limit, never waiting for a row that is busy. What
-- is claimed is only taken back if p_steady: after an outage of the database a worker may hold the outcome in its hand.
create function risc.requeue_lost(p_limit integer, p_steady boolean) returns integer language plpgsql as $$
declare
  v_count integer;
begin
  with lost as (
    select i.ticket from risc.inflight i
    left join risc_worker.jobs j on j.id = i.job_id
    where case
      when i.worker_id is not null then -- longer than any stream's timeout allows, or by a worker that is gone
        p_steady and (
          i.claimed_at < now() - interval '2 minutes' or not exists (select from risc.workers w where w.id = i.worker_id))
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

-- After a restart everybody's heartbeat is as old as the outage was long.
create function risc.server_started_at() returns timestamptz language sql stable return pg_postmaster_start_time();

-- One round, or nothing (no row) when it is another host's turn. Workers are declared dead, and their claims taken
-- back, only by one whom the database has answered without a break for a whole TTL, p_answered_for_ms.
create function risc.maintain(p_answered_for_ms double precision)
returns table (dead_workers integer, requeued integer, unlocked_pools integer, removed_jobs integer)
language plpgsql set jit = off as $$
declare
  v_steady boolean := p_answered_for_ms * interval '1 millisecond' > risc.worker_ttl()
    and risc.server_started_at() < now() - risc.worker_ttl();
  v_pools text[];
  v_jobs bigint[];
begin
  if not pg_try_advisory_xact_lock(hashtextextended('risc.maintain', 0)) then
    return;
  end if;

  dead_workers := 0;
  if v_steady then
    delete from risc.workers w where w.beat_at < now() - risc.worker_ttl();
    get diagnostics dead_workers = row_count;
  end if;

  v_pools := array(
    select distinct j.locked_by from risc_worker.jobs j
    where j.locked_at < now() - interval '5 seconds'
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

  requeued := risc.requeue_lost(1000, v_steady);

  begin
    perform set_config('lock_timeout', '100ms', true);
    perform risc.make_history_partitions();
  exception when lock_not_available then
    null; -- somebody reads all of history, as a dump does: there is a week to try again
  end;
  return next;
end $$;
