-- Which signing key is still needed, and new signatures for what waits when a key is compromised.
-- Older workers: unaffected (a new table and new functions). Locks: none that anybody waits for.

-- Keys that nothing depended on any more. Enqueue does not look here: a user's change never fails for a key.
create table risc.retired_keys (
  kid text primary key,
  retired_at timestamptz not null default now()
);

-- When what is recent begins; an error where history does not reach back so far, which would make a key look unneeded.
create function risc.recent_since(p_recent interval) returns timestamptz
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_complete_since timestamptz := (select f.history_before from risc.forgotten f);
begin
  if now() - p_recent < v_complete_since then
    raise exception 'nobody can tell what was accepted so long ago: history is kept since %',
      to_char(v_complete_since at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')
      using errcode = 'object_not_in_prerequisite_state';
  end if;
  return now() - p_recent;
end $$;

-- What depends on each key. A receiver may verify again what it accepted, hence p_recent. History has no index on kid:
-- p_recent is also what bounds the partitions read.
create function risc.key_usage(p_recent interval default '24 hours')
returns table (
  kid text, unsettled bigint, dead bigint, accepted_recently bigint, last_accepted_at timestamptz,
  needed_until timestamptz, retired_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp set jit = off as $$
  with owed as (
    select d.kid,
      count(*) filter (where d.state = 'queued') as unsettled,
      count(*) filter (where d.state = 'dead') as dead,
      max(risc.expires_at(s.profile, s.max_age, d.created_at, d.retried_at)) filter (where d.state = 'queued') as expires_at
    from risc.deliveries d join risc.streams s on s.id = d.stream_id
    group by d.kid
  ), accepted as (
    select h.kid, count(*) as count, max(h.settled_at) as last_at
    from risc.history h
    where h.outcome = 'accepted' and h.settled_at > (select risc.recent_since(p_recent))
    group by h.kid
  )
  select kid, coalesce(o.unsettled, 0), coalesce(o.dead, 0), coalesce(a.count, 0), a.last_at,
    greatest(o.expires_at, a.last_at + p_recent), r.retired_at
  from owed o full join accepted a using (kid) full join risc.retired_keys r using (kid)
  order by kid;
$$;

-- Waits for the transactions that hold such a lock on a table by now, five seconds at most: what they have enqueued can be
-- seen once they have ended. Those that come later are not waited for. pg_locks shows the moment, whatever the snapshot; a
-- prepared transaction has no pid there.
create function risc.await_transactions(p_table regclass, p_mode text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_deadline timestamptz := clock_timestamp() + interval '5 seconds';
  v_open text[];
  v_pids text;
begin
  loop
    select array_agg(l.virtualtransaction), string_agg(distinct coalesce(l.pid::text, 'none, prepared'), ', ')
    into v_open, v_pids
    from pg_locks l
    where l.relation = p_table and l.mode = p_mode
      and l.database = (select d.oid from pg_database d where d.datname = current_database())
      and l.pid is distinct from pg_backend_pid()
      and (v_open is null or l.virtualtransaction = any (v_open));
    exit when v_open is null;
    if clock_timestamp() > v_deadline then
      raise exception
        'transactions that may have enqueued SETs are still open after 5 seconds (pid %): try again when they have ended',
        v_pids using errcode = 'lock_not_available';
    end if;
    perform pg_sleep(0.02);
  end loop;
end $$;

-- Records that a key is not needed any more; or says by what it is, and until when, and records nothing. It sees what was
-- enqueued before it was called, once that commits, so nobody may sign with the key any more. Needs a statement_timeout
-- of more than the five seconds that it waits.
create function risc.retire_key(p_kid text, p_recent interval default '24 hours')
returns table (
  retired boolean, unsettled bigint, dead bigint, accepted_recently bigint, needed_until timestamptz
)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
    raise exception 'risc.retire_key must see what commits while it waits: call it in READ COMMITTED'
      using errcode = 'invalid_transaction_state';
  end if;
  perform risc.await_transactions('risc.deliveries', 'RowExclusiveLock');
  select u.unsettled, u.dead, u.accepted_recently, u.needed_until
  into unsettled, dead, accepted_recently, needed_until
  from risc.key_usage(p_recent) u where u.kid = p_kid;
  if not found then
    if not exists (select from risc.history h where h.kid = p_kid) then
      raise exception 'no SET on record was signed by a key %: nothing needs it, or it is misspelt', p_kid using errcode = 'undefined_object';
    end if;
    unsettled := 0;
    dead := 0;
    accepted_recently := 0;
  end if;
  retired := unsettled + dead + accepted_recently = 0;
  if retired then
    insert into risc.retired_keys as r (kid) values (p_kid)
    on conflict on constraint retired_keys_pkey do update set retired_at = excluded.retired_at;
  end if;
  return next;
end $$;

-- What waits or is dead and was signed by one key, the oldest first, beyond p_after. Locks nothing: signing may take its
-- time, and no worker waits for it.
create function risc.deliveries_signed_by(p_kid text, p_limit integer, p_after bigint)
returns table (delivery_id bigint, jti text, signed_set text, transaction_name text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select d.id, d.jti, d.signed_set, risc.transaction_name()
  from risc.deliveries d
  where d.kid = p_kid and d.id > p_after and not exists (select from risc.inflight i where i.delivery_id = d.id)
  order by d.id limit p_limit;
$$;

-- Gives deliveries new signatures, [{ delivery_id, kid, signed_set }], and tells how many are still signed by p_kid, and
-- which of these are among p_unverified. What is in flight, or was meanwhile, or is held by somebody may keep its old
-- signature: a worker may have it in its hands. A worker that settles what got a new one waits for the commit, so all
-- that takes time is done before.
create function risc.replace_signatures(p_transaction_name text, p_kid text, p_signed jsonb, p_unverified bigint[])
returns table (resigned bigint, remaining bigint, unverified text[])
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_signed bigint[] := array(select (s ->> 'delivery_id')::bigint from jsonb_array_elements(p_signed) s);
begin
  if p_signed <> '[]' and p_transaction_name is distinct from risc.transaction_name() then
    raise exception 'risc.replace_signatures must run in the transaction that read the deliveries'
      using errcode = 'no_active_sql_transaction';
  end if;
  if exists (
    select from risc.deliveries d
    join jsonb_to_recordset(p_signed) as n (delivery_id bigint, signed_set text) on n.delivery_id = d.id
    where split_part(n.signed_set, '.', 2) is distinct from split_part(d.signed_set, '.', 2)
  ) then
    raise exception 'a new signature never changes what a SET says' using errcode = 'integrity_constraint_violation';
  end if;
  select count(*), coalesce(array_agg(d.jti order by d.id) filter (where d.id = any (p_unverified)), '{}')
  into remaining, unverified
  from risc.deliveries d where d.kid = p_kid;

  with chosen as materialized (
    select d.id from risc.deliveries d
    where d.id = any (v_signed) and d.kid = p_kid
      and not exists (select from risc.inflight i where i.delivery_id = d.id)
    order by d.id for update of d skip locked
  )
  update risc.deliveries d set kid = n.kid, signed_set = n.signed_set
  from chosen c
  join jsonb_to_recordset(p_signed) as n (delivery_id bigint, kid text, signed_set text) on n.delivery_id = c.id
  where d.id = c.id;
  get diagnostics resigned = row_count;
  remaining := remaining - resigned;
  return next;
end $$;

revoke execute on function risc.key_usage, risc.await_transactions, risc.retire_key, risc.deliveries_signed_by,
  risc.replace_signatures from public;
