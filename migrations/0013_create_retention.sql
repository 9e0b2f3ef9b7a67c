-- Nothing is kept for ever unless somebody wants it: old dead letters, history and attempts go, in small steps.
-- Older workers: they do not say what they keep, and nothing goes while one of them lives. Locks: SHARE on risc.deliveries
-- while the index is made.

-- For how many days each worker is set to keep what; null is for ever. The longest of those that live counts.
create table risc.retention (
  worker_id uuid primary key references risc.workers on delete cascade,
  dead_days integer,
  history_days integer,
  attempts_days integer,
  constraint days_are_positive check (least(dead_days, history_days, attempts_days) > 0)
);

-- Serves retention, and operators: the latest dead letters.
create index deliveries_dead_at on risc.deliveries (dead_at) where state = 'dead';

-- The moment before which something is kept no longer, or null.
create function risc.kept_since(p_days integer) returns timestamptz language sql stable
return now() - p_days * interval '24 hours';

-- Gives up dead letters that have been dead for p_days; at most p_limit.
create function risc.discard_old_dead(p_days integer, p_limit integer) returns integer
language plpgsql set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
declare
  v_old bigint[] := array(
    select d.id from risc.deliveries d
    where d.state = 'dead' and d.dead_at < risc.kept_since(p_days) order by d.dead_at limit p_limit);
begin
  return (select count(*) from risc.discard_deliveries(array(
    select d.id from risc.deliveries d
    where d.id = any (v_old) and d.state = 'dead' and d.dead_at < risc.kept_since(p_days)
    order by d.id for update skip locked), 'retention'));
end $$;

-- Drops the oldest daily partition of risc.history or risc.attempts that holds nothing younger than p_days, and returns its
-- name, or null. Settles wait while this waits for whoever reads all of it, so it does not wait long. Detaching
-- concurrently would hold up nobody, but PostgreSQL refuses it beside a default partition, which settling must not miss.
create function risc.drop_old_partition(p_parent text, p_days integer) returns text
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '100ms' as $$
declare
  v_name text;
  v_end timestamptz;
begin
  select p.name, p.ends_at into v_name, v_end
  from (
    select c.relname as name, (to_date(substring(c.relname from '_(\d{8})$'), 'YYYYMMDD') + 1)::timestamp at time zone 'UTC' as ends_at
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = format('risc.%I', p_parent)::regclass) p
  where p.ends_at <= risc.kept_since(p_days)
  order by p.ends_at limit 1;
  if found then
    execute format('drop table risc.%I', v_name);
    update risc.forgotten set history_before = greatest(history_before, v_end) where p_parent = 'history';
  end if;
  return v_name;
exception when lock_not_available then
  return null;
end $$;

-- Deletes what is too old of what had no partition to go to; at most p_limit rows of each kind.
create function risc.delete_old_overflow(p_history_days integer, p_attempts_days integer, p_limit integer) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_history integer;
  v_attempts integer;
begin
  delete from risc.history_overflow h where h.ctid = any (array(
    select o.ctid from risc.history_overflow o where o.settled_at < risc.kept_since(p_history_days) limit p_limit));
  get diagnostics v_history = row_count;
  update risc.forgotten set history_before = greatest(history_before, risc.kept_since(p_history_days)) where v_history > 0;
  delete from risc.attempts_overflow a where a.ctid = any (array(
    select o.ctid from risc.attempts_overflow o where o.ended_at < risc.kept_since(p_attempts_days) limit p_limit));
  get diagnostics v_attempts = row_count;
  return v_history + v_attempts;
end $$;

-- Says what a worker is set to keep, and takes one step, or none (no row) when it is another worker's turn, or when a
-- living worker has not said yet for how long it is to keep things.
create function risc.retain(p_worker_id uuid, p_dead_days integer, p_history_days integer, p_attempts_days integer)
returns table (dead integer, dropped text, overflow integer)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_keeps risc.retention;
begin
  insert into risc.retention as r (worker_id, dead_days, history_days, attempts_days)
  select w.id, p_dead_days, p_history_days, p_attempts_days from risc.workers w where w.id = p_worker_id
  on conflict (worker_id) do update
  set dead_days = excluded.dead_days, history_days = excluded.history_days, attempts_days = excluded.attempts_days
  where (r.dead_days, r.history_days, r.attempts_days)
    is distinct from (excluded.dead_days, excluded.history_days, excluded.attempts_days);
  if not pg_try_advisory_xact_lock(hashtextextended('risc.retain', 0)) then
    return;
  end if;

  select null, case when bool_and(r.dead_days is not null) then max(r.dead_days) end,
    case when bool_and(r.history_days is not null) then max(r.history_days) end,
    case when bool_and(r.attempts_days is not null) then max(r.attempts_days) end
  into v_keeps
  from risc.workers w left join risc.retention r on r.worker_id = w.id
  where w.beat_at > now() - risc.worker_ttl()
  having bool_and(r.worker_id is not null);
  if not found then
    return;
  end if;

  dead := risc.discard_old_dead(v_keeps.dead_days, 1000);
  overflow := risc.delete_old_overflow(v_keeps.history_days, v_keeps.attempts_days, 1000);
  dropped := coalesce(
    risc.drop_old_partition('attempts', v_keeps.attempts_days), risc.drop_old_partition('history', v_keeps.history_days));
  return next;
end $$;
