-- Changes of a stream's status and tests of it, with the SET that tells its receiver (SSF 1.0 §8.1.2, §8.1.4, §8.1.5).
-- Older workers: unaffected (new functions, one trigger). Locks: a short SHARE ROW EXCLUSIVE on risc.streams.

-- What a SET about a stream itself has to know, whatever events the stream asked for. Locks the row, so that the receiver
-- is told of changes in their order; whoever enqueues for the stream does not wait.
create function risc.stream_for_notice(p_stream_id text)
returns table (profile text, audience text[], encryption_key risc.public_jwk, status text, transaction_name text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  return query
  select s.profile, s.audience, s.encryption_key, s.status, risc.transaction_name()
  from risc.streams s where s.id = p_stream_id for no key update;
  if not found then
    raise exception 'there is no stream %', p_stream_id using errcode = 'foreign_key_violation';
  end if;
end $$;

-- A stream that is taken up again starts with nothing, however little time there was to discard what it had. Not in this
-- transaction if that is much: it would hold the stream for as long as it takes.
create function risc.discard_before_going_on() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if risc.discard_waiting(new.id, 50001) > 50000 then
    raise exception 'what waited for stream % is still being discarded: enable it when that is done', new.id
      using errcode = 'object_in_use';
  end if;
  return null;
end $$;

create trigger stream_goes_on_with_nothing after update of status on risc.streams
  for each row when (old.status = 'disabled' and new.status <> 'disabled') execute function risc.discard_before_going_on();

-- Changes a stream's status and, if it was another, records the SETs that say so (as risc.enqueue takes them, or []).
-- A reason is kept for as long as the stream is held back, and by whom, if that is told, until the next change. Tells
-- whether the status was another. In another transaction than the one named, risc.enqueue refuses, and nothing changes.
create function risc.set_stream_status(
  p_transaction_name text, p_stream_id text, p_status text, p_reason text, p_by text, p_deliveries jsonb
) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update risc.streams s
  set status = p_status, status_changed_at = now(), status_changed_by = p_by,
    status_reason = case when p_status <> 'enabled' then p_reason end
  where s.id = p_stream_id and s.status <> p_status;
  if not found then
    return false;
  end if;
  perform risc.enqueue(p_transaction_name, p_deliveries);
  return true;
end $$;

revoke execute on function risc.stream_for_notice, risc.set_stream_status, risc.discard_before_going_on from public;
