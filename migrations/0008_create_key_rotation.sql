-- Which signing key is still needed, and new signatures for what waits when a key is compromised.
-- Older workers: unaffected (a new table and new functions). Locks: none that anybody waits for.

-- Keys that nothing depended on any more. Enqueue does not look here: a user's change never fails for a key.
create table risc.retired_keys (
  kid text primary key,
  retired_at timestamptz not null default now()
);

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
    where h.outcome = 'accepted' and h.settled_at > now() - p_recent
    group by h.kid
  )
  select kid, coalesce(o.unsettled, 0), coalesce(o.dead, 0), coalesce(a.count, 0), a.last_at,
    greatest(o.expires_at, a.last_at + p_recent), r.retired_at
  from owed o full join accepted a using (kid) full join risc.retired_keys r using (kid)
  order by kid;
$$;

-- Records that a key is not needed any more; or says by what it is, and until when, and records nothing.
create function risc.retire_key(p_kid text, p_recent interval default '24 hours')
returns table (
  retired boolean, unsettled bigint, dead bigint, accepted_recently bigint, needed_until timestamptz
)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  select u.unsettled, u.dead, u.accepted_recently, u.needed_until
  into unsettled, dead, accepted_recently, needed_until
  from risc.key_usage(p_recent) u where u.kid = p_kid;
  if not found then
    if not exists (select from risc.history h where h.kid = p_kid) then
      raise exception 'no SET was signed by a key %', p_kid using errcode = 'undefined_object';
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

-- Locks what waits or is dead and was signed by one key, the oldest first. Passes over what is in flight or busy.
create function risc.deliveries_signed_by(p_kid text, p_limit integer)
returns table (delivery_id bigint, jti text, signed_set text, transaction_name text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  return query
  select d.id, d.jti, d.signed_set, risc.transaction_name()
  from risc.deliveries d
  where d.kid = p_kid and not exists (select from risc.inflight i where i.delivery_id = d.id)
  order by d.id limit p_limit for update of d skip locked;
end $$;

-- Gives what risc.deliveries_signed_by locked new signatures, [{ delivery_id, kid, signed_set }], and tells how many are
-- still signed by p_kid. What was dispatched meanwhile keeps its old signature: a worker may have it in its hands.
create function risc.replace_signatures(p_transaction_name text, p_kid text, p_signed jsonb)
returns table (resigned bigint, remaining bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if p_signed <> '[]' and p_transaction_name is distinct from risc.transaction_name() then
    raise exception 'risc.replace_signatures must run in the transaction that locked the deliveries'
      using errcode = 'no_active_sql_transaction';
  end if;
  if exists (
    select from risc.deliveries d
    join jsonb_to_recordset(p_signed) as n (delivery_id bigint, signed_set text) on n.delivery_id = d.id
    where split_part(n.signed_set, '.', 2) is distinct from split_part(d.signed_set, '.', 2)
  ) then
    raise exception 'a new signature never changes what a SET says' using errcode = 'integrity_constraint_violation';
  end if;
  update risc.deliveries d set kid = n.kid, signed_set = n.signed_set
  from jsonb_to_recordset(p_signed) as n (delivery_id bigint, kid text, signed_set text)
  where d.id = n.delivery_id and d.kid = p_kid
    and not exists (select from risc.inflight i where i.delivery_id = d.id);
  get diagnostics resigned = row_count;
  remaining := (select count(*) from risc.deliveries d where d.kid = p_kid);
  return next;
end $$;

revoke execute on function risc.key_usage, risc.retire_key, risc.deliveries_signed_by, risc.replace_signatures from public;
