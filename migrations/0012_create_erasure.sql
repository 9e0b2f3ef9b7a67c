-- Forgetting a person: what is owed about them goes, the proof that something was sent stays. Who is meant by a SET is
-- decided outside of the database; here it is done.
-- Older workers: unaffected (new functions, an index). Locks: SHARE on risc.history while the index is made.

-- Serves erasure: the few rows of history that hold what somebody wrote.
create index history_discarded on risc.history (settled_at) where outcome = 'discarded';

-- Erases these deliveries and what receivers said about them, and tells what each was: queued, dispatched or dead; or that
-- it is claimed, by a worker that may be sending it, or held by somebody else, and stays. What is not there is not told of.
-- Of a worker that comes for a ticket taken back here, or settles one, nothing is recorded.
create function risc.erase_deliveries(p_deliveries bigint[]) returns table (delivery_id bigint, was text)
language plpgsql set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
declare
  v_unclaimed bigint[];
  v_free bigint[];
begin
  perform pg_advisory_xact_lock(hashtextextended('risc.dispatch', 0)); -- or a pass under way may hand one of them over
  v_unclaimed := array(
    select i.ticket from risc.inflight i
    where i.delivery_id = any (p_deliveries) and i.worker_id is null
    order by i.ticket for update skip locked);
  v_free := array(
    select d.id from risc.deliveries d
    where d.id = any (p_deliveries)
      and (select true from risc.inflight i where i.delivery_id = d.id and i.ticket <> all (v_unclaimed)) is null
    order by d.id for update skip locked);
  return query
  select d.id, case
    when d.id <> all (v_free) then 'claimed'
    when d.state = 'dead' then 'dead'
    when (select true from risc.inflight i where i.delivery_id = d.id) then 'dispatched'
    else 'queued' end
  from risc.deliveries d where d.id = any (p_deliveries);

  delete from risc.inflight i where i.ticket = any (v_unclaimed) and i.delivery_id = any (v_free);
  update risc.attempts a set description = null
  where a.description is not null and a.jti = any (array(
    select d.jti from risc.deliveries d where d.id = any (v_free) and d.last_attempt_at is not null));
  perform risc.discard_deliveries(v_free, 'erased');
end $$;

-- Whether a text has one of these words in it, in any case and not within a longer one. A regular expression of all words
-- would take seconds to compile.
create function risc.quotes(p_text text, p_words text[]) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (
    select from unnest(p_words) w
    where case when strpos(lower(p_text), lower(w)) > 0
      then p_text ~* ('(^|[^[:alnum:]])' || regexp_replace(w, '([^[:alnum:]])', '\\\1', 'g') || '($|[^[:alnum:]])') end);
$$;
