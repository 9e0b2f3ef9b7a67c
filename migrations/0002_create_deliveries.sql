-- What is owed. Three tables, one per kind of writing: a delivery is written once and deleted once, `inflight` takes
-- the churn of each hand-over, `history` is only ever appended to.

-- A trace context of version 00 (W3C Trace Context §3.2.2). One pattern with counts in it would take ten times as long.
create function risc.is_traceparent(p_text text) returns boolean language sql immutable
return p_text like '00-________________________________-________________-__'
  and p_text ~ '^00-[0-9a-f]+-[0-9a-f]+-[0-9a-f]+$';

-- One SET owed to one stream. Hot and small: what is accepted leaves for risc.history.
create table risc.deliveries (
  id bigint generated always as identity primary key,
  stream_id text collate "C" not null references risc.streams,
  jti text not null unique,
  txn text not null,
  event_type text not null,
  kid text not null,
  order_key bigint, -- of the stream and the user: what shares it keeps its order; null for what has none
  urgent boolean not null default false, -- about the stream itself: passes its backlog, its status and its breaker
  state text not null default 'queued'
    constraint state_is_known check (state in ('queued', 'dead')),
  attempts smallint not null default 0, -- counted against the stream's retry delays; waiting is not counted
  due_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  retried_at timestamptz, -- an operator's retry starts max_age anew
  redrive_id bigint, -- the last that released it
  first_failed_at timestamptz, -- of the attempts that counted
  last_attempt_at timestamptz,
  last_status smallint,
  last_reason text,
  last_description text
    constraint description_is_bounded check (char_length(last_description) <= 500),
  dead_because text
    constraint dead_because_is_known check (dead_because in ('refused', 'exhausted', 'expired')),
  dead_at timestamptz,
  traceparent text -- of the request that enqueued it
    constraint traceparent_is_a_trace_context check (risc.is_traceparent(traceparent)),
  signed_set text not null,
  constraint dead_says_why_and_since_when
    check ((state = 'dead') = (dead_because is not null) and (state = 'dead') = (dead_at is not null))
) with (
  -- Rows die young: vacuum often and in small bites, and do not freeze what will be gone tomorrow.
  autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0,
  autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_threshold = 10000, autovacuum_analyze_scale_factor = 0.2
);

alter table risc.deliveries
  alter signed_set set storage external, -- a SET does not compress: do not try
  -- A storm of events about one user must not teach the planner that users have a million deliveries each.
  alter order_key set statistics 0, alter order_key set (n_distinct = -1);

-- Serves dispatch: the oldest due deliveries of each stream.
create index deliveries_due on risc.deliveries (stream_id, due_at, id) where state = 'queued';
-- Serves dispatch: whether an earlier delivery about the same user is still owed, and which users a stream has.
create index deliveries_order on risc.deliveries (stream_id, order_key, id) where state = 'queued';
-- Serves operators: the dead letters of a stream.
create index deliveries_dead on risc.deliveries (stream_id, id) where state = 'dead';
-- Serves operators: what became of a redrive.
create index deliveries_redriven on risc.deliveries (redrive_id) where redrive_id is not null;

-- The deliveries that are urgent, and some that were: so few that a search among them is cheap by any plan.
create table risc.urgent (
  delivery_id bigint primary key,
  stream_id text collate "C" not null references risc.streams on delete cascade
);

-- Serves dispatch, and the removal of a stream.
create index urgent_by_stream on risc.urgent (stream_id);

-- When a delivery is too old to be sent. The SETs of the profile login.gov carry exp.
create function risc.expires_at(p_profile text, p_max_age interval, p_created_at timestamptz, p_retried_at timestamptz)
returns timestamptz language sql stable
return least(
  coalesce(p_retried_at, p_created_at) + p_max_age,
  case p_profile when 'login.gov' then p_created_at + interval '12 hours' end);

-- A delivery handed over to graphile-worker: this row is the state `dispatched`. It is made by dispatch, stamped once
-- by claim and deleted by settle, so its ticket is a fencing token: a settle whose ticket is gone came too late.
create table risc.inflight (
  ticket bigint generated always as identity primary key,
  delivery_id bigint not null unique,
  stream_id text collate "C" not null,
  job_id bigint not null,
  probe boolean not null default false, -- sent to see whether the breaker may close: not counted
  dispatched_at timestamptz not null default clock_timestamp(),
  worker_id uuid,
  claimed_at timestamptz,
  constraint claim_has_worker_and_time check ((worker_id is null) = (claimed_at is null))
) with (
  fillfactor = 60, -- room for the claim to be a HOT update
  autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_threshold = 100000
);

-- Live worker processes: their slots are what dispatch shares out.
create table risc.workers (
  id uuid primary key,
  name text not null,
  slots integer not null
    constraint slots_are_positive check (slots > 0),
  pool_id text, -- graphile-worker's name for the runner it has now
  has_lifeline boolean not null default false, -- a session of it holds the advisory lock risc.lifeline(id)
  dispatched_at timestamptz, -- when a pass of it ended last, be it one that found nothing
  started_at timestamptz not null default now(),
  beat_at timestamptz not null default now()
) with (fillfactor = 50);

-- Settled deliveries: that something was sent, and nothing of what it said. The hash proves which SET it was to whoever
-- has one.
create table risc.history (
  delivery_id bigint not null,
  stream_id text collate "C" not null,
  jti text not null,
  txn text not null,
  event_type text not null,
  kid text not null,
  set_sha256 bytea not null,
  outcome text not null
    constraint outcome_is_known check (outcome in ('accepted', 'discarded')),
  status smallint,
  connected_to text, -- the address and port that accepted it
  certificate_sha256 bytea, -- of the certificate that it showed there
  reason text -- why it was discarded
    constraint reason_can_be_shown check (
      char_length(reason) between 1 and 200 and reason !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'),
  redrive_id bigint, -- the last that released it
  attempts smallint not null,
  created_at timestamptz not null,
  settled_at timestamptz not null default now(),
  constraint discarded_says_why check ((outcome = 'discarded') = (reason is not null))
) partition by range (settled_at);

-- Serves the question "was this SET delivered?".
create index history_by_jti on risc.history (jti);
-- Serves operators: what became of a redrive.
create index history_by_redrive on risc.history (redrive_id) where redrive_id is not null;
-- Serves `list` and `status`: what was settled lately.
create index history_by_time on risc.history (settled_at);
-- Serves `show --txn`.
create index history_by_txn on risc.history (txn);

-- A net for the day that no worker made partitions in time: settling never fails for want of one.
create table risc.history_overflow partition of risc.history default;

-- Since when history is complete: what was settled before is kept no longer.
create table risc.forgotten (
  only_row boolean primary key default true check (only_row),
  history_before timestamptz not null default '-infinity'
);
insert into risc.forgotten default values;

-- Attempts that were not accepted, counted or not: the answer to "what happened to this SET?".
create table risc.attempts (
  delivery_id bigint not null,
  stream_id text collate "C" not null,
  jti text not null,
  attempt smallint not null, -- counted attempts, this one included
  counted boolean not null,
  probe boolean not null,
  status smallint,
  reason text not null,
  description text
    constraint description_is_bounded check (char_length(description) <= 500),
  connected_to text,
  duration_ms integer not null,
  worker text, -- its name
  ended_at timestamptz not null default now()
) partition by range (ended_at);

-- Serves `why` and `show`.
create index attempts_by_jti on risc.attempts (jti);

create table risc.attempts_overflow partition of risc.attempts default;

-- Makes the daily partitions (UTC) of today and the days to come; tells how many it made. Attached rather than created
-- in place, which would stop every settle for the moment.
create function risc.make_partitions(p_days integer default 7) returns integer
language plpgsql set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
  v_parent text;
  v_day date;
  v_name text;
  v_overflows boolean;
  v_made integer := 0;
begin
  perform pg_advisory_xact_lock(hashtextextended('risc.make_partitions', 0));
  foreach v_parent in array array['history', 'attempts'] loop
    for v_day in select generate_series(current_date, current_date + p_days, interval '1 day') loop
      v_name := v_parent || '_' || to_char(v_day, 'YYYYMMDD');
      continue when to_regclass('risc.' || v_name) is not null;
      execute format(
        'select exists (select from risc.%I where %I >= $1 and %2$I < $1 + 1)',
        v_parent || '_overflow', case v_parent when 'history' then 'settled_at' else 'ended_at' end
      ) into v_overflows using v_day;
      continue when v_overflows;
      execute format('create table risc.%I (like risc.%I including defaults including constraints)', v_name, v_parent);
      execute format('alter table risc.%I attach partition risc.%I for values from (%L) to (%L)', v_parent, v_name, v_day, v_day + 1);
      v_made := v_made + 1;
    end loop;
  end loop;
  return v_made;
end $$;
