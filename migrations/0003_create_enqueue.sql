-- What the IdP's role may execute, and all it needs: it has no right on any table. The functions run as their owner
-- with a pinned search_path. None of them notifies, and none takes a lock that another user's transaction waits for.

-- Names the surrounding transaction by its start: two statements of a connection get one answer if one transaction ran
-- both, and two answers if each ran by itself.
create function risc.transaction_name() returns text language sql stable
return (extract(epoch from now()) * 1000000)::bigint::text;

-- For a condition that has to raise. It returns nothing, ever.
create function risc.refuse_unknown_stream(p_stream_id text) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'there is no stream %', p_stream_id using errcode = 'foreign_key_violation';
end $$;

-- Who is to be told of each event, as whom, in which dialect and encrypted to which key: [{ user, event_type }], answered
-- from risc.subjects, or [{ stream_id, event_type }] from an IdP that looked the recipients up itself.
create function risc.recipients(p_requests jsonb)
returns table (
  request integer, stream_id text, profile text, audience text[], encryption_key risc.public_jwk, subject jsonb, transaction_name text
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
begin
  return query
  select (r.ordinality - 1)::integer, s.id::text, s.profile, s.audience, s.encryption_key, k.subject,
    risc.transaction_name()
  from jsonb_array_elements(p_requests) with ordinality r
  left join risc.subjects k on k.user_id = r.value ->> 'user'
  left join risc.streams s on s.id = coalesce(r.value ->> 'stream_id', k.stream_id)
  where case
    when s.id is not null
      then s.status <> 'disabled' and (s.events_requested is null or r.value ->> 'event_type' = any (s.events_requested))
    when r.value ? 'stream_id' then risc.refuse_unknown_stream(r.value ->> 'stream_id')
  end
  order by r.ordinality, s.id;
end $$;

-- The events that tell a receiver of its stream itself (SSF 1.0 §8.1.4, §8.1.5).
create function risc.is_about_stream(p_event_type text) returns boolean language sql immutable
return p_event_type in (
  'https://schemas.openid.net/secevent/ssf/event-type/stream-updated',
  'https://schemas.openid.net/secevent/ssf/event-type/verification');

-- Records signed SETs as deliveries: [{ stream_id, jti, txn, event_type, kid, order_key, urgent?, traceparent?,
-- signed_set }]. Urgent is only what is about the stream itself. A trace context that is none is left out: no user's change
-- fails for it.
create function risc.enqueue(p_transaction_name text, p_deliveries jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan as $$
begin
  if p_transaction_name is distinct from risc.transaction_name() then
    raise exception 'risc.enqueue must run in the transaction that asked for the recipients'
      using errcode = 'no_active_sql_transaction';
  end if;
  with recorded as (
    insert into risc.deliveries (stream_id, jti, txn, event_type, kid, order_key, urgent, traceparent, signed_set)
    select d.stream_id, d.jti, d.txn, d.event_type, d.kid, d.order_key,
      coalesce(d.urgent and risc.is_about_stream(d.event_type), false),
      case when risc.is_traceparent(d.traceparent) then d.traceparent end, d.signed_set
    from jsonb_to_recordset(p_deliveries) as d (
      stream_id text, jti text, txn text, event_type text, kid text, order_key bigint, urgent boolean, traceparent text,
      signed_set text)
    returning id, stream_id, urgent
  )
  insert into risc.urgent (delivery_id, stream_id) select r.id, r.stream_id from recorded r where r.urgent;
end $$;

create function risc.link(p_user_id text, p_stream_id text, p_subject jsonb) returns void
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
  insert into risc.subjects (user_id, stream_id, subject) values (p_user_id, p_stream_id, p_subject)
  on conflict (user_id, stream_id) do update set subject = excluded.subject;
end;

-- Tells whether there was a link to take away.
create function risc.unlink(p_user_id text, p_stream_id text) returns boolean
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
  with gone as (delete from risc.subjects where user_id = p_user_id and stream_id = p_stream_id returning 1)
  select exists (select from gone);
end;

revoke execute on function risc.recipients, risc.enqueue, risc.link, risc.unlink from public;
