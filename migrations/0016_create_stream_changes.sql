-- What an operator's changes of a stream need besides its row: a new rate that counts from now on, and the removal, in
-- steps that can each be repeated.
-- Older workers: unaffected (new functions). Locks: none that anybody waits for.

-- Has a stream owe its rate no more than the burst of today: what an older, slower rate made it wait for is forgotten. In
-- dispatch's turn, since that alone writes the row.
create function risc.shorten_pace(p_stream_id text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('risc.dispatch', 0));
  update risc.pace p set paid_at = now() + s.rate_burst * s.rate_spacing
  from risc.streams s
  where s.id = p_stream_id and p.stream_id = s.id and p.paid_at > now() + s.rate_burst * s.rate_spacing;
end $$;

-- Waits until all that knew a stream's status before the last change of it is over: transactions that may enqueue for it,
-- five seconds at most, and a pass that may hand over what it has. A transaction in REPEATABLE READ that has not asked for
-- its recipients yet is not seen: should its stream be gone by then, it fails and has to be tried again.
create function risc.await_stream_status() returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform risc.await_transactions('risc.streams', 'AccessShareLock');
  perform pg_advisory_xact_lock(hashtextextended('risc.dispatch', 0));
end $$;

-- Discards what a stream that is held back has, dead letters and what is urgent too; about p_limit of each. What is handed
-- over and unclaimed is taken back; what a worker has claimed is left alone. Tells how many were queued, how many dead.
create function risc.discard_stream(p_stream_id text, p_reason text, p_limit integer)
returns table (queued bigint, dead bigint)
language plpgsql set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
declare
  v_locked bigint[];
begin
  delete from risc.inflight i where i.ticket = any (array(
    select u.ticket from risc.inflight u
    where u.stream_id = p_stream_id and u.worker_id is null order by u.ticket for update));
  if exists (
    select from risc.urgent u join risc.deliveries d on d.id = u.delivery_id
    where u.stream_id = p_stream_id and (select true from risc.inflight i where i.delivery_id = d.id) is null
  ) then
    perform pg_advisory_xact_lock(hashtextextended('risc.dispatch', 0)); -- it is handed over whatever the status
  end if;
  select coalesce(array_agg(l.id), '{}'), count(*) filter (where l.state = 'queued'), count(*) filter (where l.state = 'dead')
  into v_locked, queued, dead
  from (
    select d.id, d.state from risc.deliveries d
    where d.id = any (array(
        (select q.id from risc.deliveries q
         where q.stream_id = p_stream_id and q.state = 'queued' order by q.due_at, q.id limit p_limit)
        union all
        (select q.id from risc.deliveries q
         where q.stream_id = p_stream_id and q.state = 'dead' order by q.stream_id, q.id limit p_limit)))
      and (select true from risc.inflight i where i.delivery_id = d.id) is null
    order by d.id for update skip locked) l;
  perform risc.discard_deliveries(v_locked, p_reason);
  return next;
end $$;
