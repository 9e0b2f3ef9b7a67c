-- Who is to be told, and as whom.

create schema if not exists risc;

create function risc.refuse_update() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception '%.% of a row never changes', tg_table_name, tg_argv[0] using errcode = 'integrity_constraint_violation';
end $$;

-- A JWE that workers can open (RFC 7516 §7.1, alg dir), or the name of a file or variable that they read: never the value
-- itself. Either says which origins it may be sent to, so whoever changes a URL alone has it sent nowhere.
create domain risc.sealed as text
  constraint is_sealed_or_a_reference check (
    octet_length(value) <= 65536 and (
      value ~ '^[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{22}$'
      or value ~ '^(file:[A-Za-z0-9_-][A-Za-z0-9._-]{0,88}\.credential|env:RISC_CREDENTIAL_VALUE_[A-Za-z0-9_]{1,78})@[ -~]*$'));

-- A domain, for the server's log: a table's own check would write there the row that breaks it, the private key in it.
create domain risc.public_jwk as jsonb
  constraint encryption_key_is_public check (
    jsonb_typeof(value) = 'object' and value ? 'kty' and not value ?| '{d,p,q,dp,dq,qi,oth,k}');

-- One receiver's push endpoint and what it asked for (SSF 1.0 §8.1.1). Quiet on purpose: whatever moves with each
-- delivery is kept elsewhere, since every delivery refers to this row.
create table risc.streams (
  id text collate "C" primary key
    constraint stream_id_is_unreserved check (id ~ '^[A-Za-z0-9._~-]{1,64}$'), -- SSF 1.0 §8.1.1, RFC 3986 §2.3
  profile text not null default 'ssf'
    constraint profile_is_known check (profile in ('ssf', 'login.gov')),
  endpoint_url text not null
    constraint endpoint_url_is_http check (endpoint_url ~ '^https?://'),
  audience text[] not null
    constraint audience_is_not_empty check (cardinality(audience) > 0 and array_position(audience, null) is null),
  credential risc.sealed,
  encryption_key risc.public_jwk, -- the receiver's; null: its SETs are signed alone
  allowed_networks cidr[] not null default '{}' -- private networks that its name may lead to
    constraint allowed_networks_are_named check (array_position(allowed_networks, null) is null),
  allowed_ports integer[] not null default '{}' -- besides 443
    constraint allowed_ports_are_ports check (
      0 < all (allowed_ports) and 65536 > all (allowed_ports) and array_position(allowed_ports, null) is null),
  -- PEM. Every claim carries it, so a bundle holds the receiver's authorities, not the world's.
  ca_certificates text
    constraint ca_certificates_are_few check (octet_length(ca_certificates) <= 32768), -- null: those the worker's system trusts
  client_certificate text
    constraint client_certificate_is_short check (octet_length(client_certificate) <= 16384),
  client_private_key risc.sealed,
  constraint client_certificate_has_its_key check ((client_certificate is null) = (client_private_key is null)),
  token_request jsonb -- how OAuth tokens are got, the credential being the client's secret; null: it is the header itself
    constraint token_request_is_complete check (
      jsonb_typeof(token_request) = 'object'
      and token_request ?& '{token_endpoint,client_id,client_authentication}'
      and token_request - '{token_endpoint,client_id,client_authentication,scope,resource,audience}'::text[] = '{}'
      and not jsonb_path_exists(token_request, '$.* ? (@.type() != "string" || @ == "")')
      and token_request ->> 'token_endpoint' ~ '^https?://'
      and token_request ->> 'client_authentication' in ('client_secret_basic', 'client_secret_post')
      and octet_length(token_request::text) <= 4096),
  constraint token_request_has_its_secret check (token_request is null or credential is not null),
  events_requested text[], -- null: every event
  status text not null default 'enabled'
    constraint status_is_known check (status in ('enabled', 'paused', 'disabled')), -- SSF 1.0 §8.1.2
  status_reason text,
  status_changed_at timestamptz not null default now(),
  status_changed_by text -- null: an answer did it, or somebody who left no name
    constraint status_changed_by_is_bounded check (char_length(status_changed_by) between 1 and 200),
  ordering text not null default 'subject'
    constraint ordering_is_known check (ordering in ('subject', 'none')),
  max_in_flight integer not null default 50
    constraint max_in_flight_is_positive check (max_in_flight > 0),
  rate_limit integer not null default 1000 -- requests in any rate_interval at most
    constraint rate_limit_is_positive check (rate_limit > 0),
  rate_interval interval not null default '60 seconds'
    constraint rate_interval_is_positive check (rate_interval > interval '0'),
  -- A tenth of the limit may go out at once; the rest follows evenly, so that no interval ever sees more than the limit.
  rate_burst integer not null generated always as (greatest(rate_limit / 10, 1)) stored,
  rate_spacing interval not null
    generated always as ( -- rounded up, to the microsecond
      rate_interval / (rate_limit - greatest(rate_limit / 10, 1) + 1) + interval '1 microsecond') stored,
  timeout_ms integer not null default 3000
    constraint timeout_is_sane check (timeout_ms between 100 and 60000),
  retry_delays_ms integer[] not null default '{10000,60000,600000,3600000}' -- one fewer than the attempts allowed
    constraint retry_delays_are_not_negative check (0 <= all (retry_delays_ms) and array_position(retry_delays_ms, null) is null),
  max_age interval not null default '72 hours'
    constraint max_age_is_positive check (max_age > interval '0'),
  created_at timestamptz not null default now()
);

create trigger stream_id_never_changes before update of id on risc.streams
  for each row when (old.id is distinct from new.id) execute function risc.refuse_update('id');

-- How well a stream's receiver does, as its answers tell: written by settle, and only when something changes.
create table risc.flow (
  stream_id text collate "C" primary key references risc.streams on delete cascade,
  ramp integer not null default 1 -- the window it has earned: doubled by an answer, halved by trouble
    constraint ramp_is_positive check (ramp > 0),
  slow boolean not null default false, -- its answers take longer than a second
  failures integer not null default 0, -- settled batches of nothing but trouble since the last answer
  -- The breaker: nothing is sent before open_until, and then one probe at a time until one is answered.
  open_until timestamptz,
  open_because text,
  closed_at timestamptz, -- when an outage ended
  certificate_expires_at timestamptz, -- of the certificate that the receiver showed last
  openings integer not null default 0, -- since the last answer: each is longer than the one before
  constraint open_breaker_says_why check ((open_until is null) = (open_because is null))
) with (fillfactor = 50, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);

-- When a stream will have paid for the requests it was handed (the "theoretical arrival time" of GCRA). One row a stream,
-- written by whoever has dispatch's turn, so a pass waits for nobody. The time is part of the key so that a search from the latest on
-- meets the row itself before all those that it was, which stay for as long as somebody holds a snapshot.
create table risc.pace (
  stream_id text collate "C" not null references risc.streams on delete cascade,
  paid_at timestamptz not null default 'epoch',
  low_due_at timestamptz, -- the mark: where to begin to look for what is due, when what was settled lies in the way
  low_id bigint not null default 0, -- and of what is due at that moment, with which delivery
  primary key (stream_id, paid_at)
) with (autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);

create function risc.add_flow_and_pace() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  insert into risc.flow (stream_id) values (new.id);
  insert into risc.pace (stream_id) values (new.id);
  return null;
end $$;

create trigger stream_has_flow_and_pace after insert on risc.streams
  for each row execute function risc.add_flow_and_pace();

-- Has a stream that waits for its breaker tried at once. Tells whether it waited.
create function risc.probe(p_stream_id text) returns boolean language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update risc.flow f set open_until = now() where f.stream_id = p_stream_id and f.open_until > now();
  return found;
end $$;

-- Whoever mends a stream wants to see it go. To seal a credential with another key mends nothing.
create function risc.probe_mended_stream() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if current_setting('risc.is_reseal', true) is distinct from 'on' then
    perform risc.probe(new.id);
  end if;
  return null;
end $$;

create trigger mended_stream_is_probed
  after update of endpoint_url, credential, allowed_networks, allowed_ports, ca_certificates, client_certificate,
    client_private_key, token_request, timeout_ms, status on risc.streams
  for each row when (new.status = 'enabled') execute function risc.probe_mended_stream();

-- Puts a credential sealed anew in the place of the old one, unless somebody else has changed it meanwhile. Tells whether it did.
create function risc.reseal(p_stream_id text, p_use text, p_old text, p_new text) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_replaced boolean;
begin
  perform set_config('risc.is_reseal', 'on', true);
  update risc.streams s
  set credential = case p_use when 'credential' then p_new else s.credential end,
      client_private_key = case p_use when 'client_private_key' then p_new else s.client_private_key end
  where s.id = p_stream_id
    and p_old = case p_use when 'credential' then s.credential when 'client_private_key' then s.client_private_key end;
  v_replaced := found;
  perform set_config('risc.is_reseal', 'off', true);
  return v_replaced;
end $$;

-- Which user is known to which receiver under which subject identifier (RFC 9493). An IdP with a table of its own
-- answers by the option `recipients` and leaves this one empty.
create table risc.subjects (
  user_id text not null,
  stream_id text collate "C" not null references risc.streams on delete cascade,
  subject jsonb not null
    constraint subject_has_a_format check (jsonb_typeof(subject) = 'object' and jsonb_typeof(subject -> 'format') = 'string'),
  created_at timestamptz not null default now(),
  primary key (user_id, stream_id)
);

-- Serves the removal of a stream.
create index subjects_by_stream on risc.subjects (stream_id);
