import type { ColumnType, Generated, GeneratedAlways, Selectable } from 'kysely'
import type { ProfileName, SubjectIdentifier } from 'risc-set'

/**
 * The schema `risc` for Kysely, as `pg` gives its values: `bigint` as text, `timestamptz` as `Date`.
 *
 * For tools that look after the outbox. What the IdP needs is on {@link Outbox}, and its role can see none of this.
 */
export interface OutboxDatabase {
  'risc.streams': StreamTable
  'risc.flow': FlowTable
  'risc.pace': PaceTable
  'risc.subjects': SubjectTable
  'risc.deliveries': DeliveryTable
  'risc.urgent': UrgentTable
  'risc.inflight': InflightTable
  'risc.workers': WorkerTable
  'risc.history': HistoryTable
  'risc.attempts': AttemptTable
  'risc.retired_keys': RetiredKeyTable
  'risc.redrives': RedriveTable
  'risc.redrive_streams': RedriveStreamTable
  'risc.pending': PendingView
  'risc.dead': DeadView
  'risc.recorded': RecordedView
  'risc.stream_health': StreamHealthView
  'risc.redrive_progress': RedriveProgressView
  'risc.stream_settings': StreamSettingsView
}

/** How a stream's SETs are written: SSF 1.0 and RISC 1.0 final, or login.gov's dialect. */
export type StreamProfile = ProfileName

/** SSF 1.0 §8.1.2. */
export type StreamStatus = 'enabled' | 'paused' | 'disabled'

/** Why a dead letter was given up. */
export type DeadBecause = 'refused' | 'exhausted' | 'expired'

/** An `interval` as `pg` reads it: only the units that are not zero. */
export interface PostgresInterval {
  readonly years?: number
  readonly months?: number
  readonly days?: number
  readonly hours?: number
  readonly minutes?: number
  readonly seconds?: number
  readonly milliseconds?: number
}

type Interval = ColumnType<PostgresInterval, string, string>
type WithDefault<Column> =
  Column extends ColumnType<infer Select, infer Insert, infer Update>
    ? ColumnType<Select, Insert | undefined, Update>
    : Generated<Column>

/** One receiver's push endpoint and what it asked for. */
export interface StreamTable {
  id: ColumnType<string, string, never>
  profile: Generated<StreamProfile>
  endpoint_url: string
  audience: string[]
  /** A JWE that workers can open, or the name of a file or variable that they read. */
  credential: string | null
  /** The receiver's public JWK, to which its SETs are encrypted; `null` for SETs that are signed alone. */
  encryption_key: ColumnType<object | null, string | null | undefined, string | null>
  /** Private networks that its name may lead to, in CIDR notation. */
  allowed_networks: Generated<string[]>
  /** Besides 443. */
  allowed_ports: Generated<number[]>
  /** PEM, trusted instead of the system's authorities. */
  ca_certificates: string | null
  client_certificate: string | null
  /** As `credential`. */
  client_private_key: string | null
  /** How access tokens are got by the credential (RFC 6749 §4.4); `null` where it is the header itself. */
  token_request: ColumnType<object | null, string | null | undefined, string | null>
  /** URIs of the events it wants; `null` for every event. */
  events_requested: string[] | null
  status: Generated<StreamStatus>
  status_reason: string | null
  status_changed_at: Generated<Date>
  /** `null` when an answer did it, or somebody who left no name. */
  status_changed_by: string | null
  /** Whether events of one user keep their order. */
  ordering: Generated<'subject' | 'none'>
  max_in_flight: Generated<number>
  rate_limit: Generated<number>
  rate_interval: WithDefault<Interval>
  timeout_ms: Generated<number>
  retry_delays_ms: Generated<number[]>
  max_age: WithDefault<Interval>
  created_at: Generated<Date>
}

/** `risc.pace`: when a stream will have paid for the requests it was handed. */
export interface PaceTable {
  stream_id: string
  paid_at: Generated<Date>
  /** Where to begin to look for what is due, when what was settled lies in the way. */
  low_due_at: Date | null
  /** Among what is due at that moment, from which delivery on. */
  low_id: Generated<string>
}

/** `risc.flow`: how well a stream's receiver does, and its breaker. */
export interface FlowTable {
  stream_id: string
  ramp: Generated<number>
  slow: Generated<boolean>
  failures: Generated<number>
  /** Nothing is sent before; then one probe at a time, until one is answered. */
  open_until: Date | null
  open_because: string | null
  openings: Generated<number>
  /** When the last outage ended. */
  closed_at: Date | null
  /** Of the certificate that the receiver showed last. */
  certificate_expires_at: Date | null
}

/** Which user is known to which receiver under which subject identifier (RFC 9493). */
export interface SubjectTable {
  user_id: string
  stream_id: string
  subject: ColumnType<SubjectIdentifier, string, string>
  created_at: Generated<Date>
}

/** One SET owed to one stream: queued, in flight if `risc.inflight` has it, or dead. */
export interface DeliveryTable {
  id: GeneratedAlways<string>
  stream_id: string
  jti: string
  txn: string
  event_type: string
  kid: string
  order_key: string | null
  urgent: Generated<boolean>
  state: Generated<'queued' | 'dead'>
  attempts: Generated<number>
  due_at: Generated<Date>
  created_at: Generated<Date>
  retried_at: Date | null
  /** The last redrive that released it. */
  redrive_id: string | null
  first_failed_at: Date | null
  last_attempt_at: Date | null
  last_status: number | null
  last_reason: string | null
  last_description: string | null
  dead_because: DeadBecause | null
  dead_at: Date | null
  /** Of the request that enqueued it (W3C Trace Context §3.2). */
  traceparent: string | null
  signed_set: string
}

/** Deliveries that pass the backlog and the status of their stream. */
export interface UrgentTable {
  delivery_id: string
  stream_id: string
}

/** A delivery handed over to graphile-worker: the state `dispatched`. */
export interface InflightTable {
  ticket: GeneratedAlways<string>
  delivery_id: string
  stream_id: string
  job_id: string
  probe: Generated<boolean>
  dispatched_at: Generated<Date>
  worker_id: string | null
  claimed_at: Date | null
}

/** A live worker process. */
export interface WorkerTable {
  id: string
  name: string
  slots: number
  pool_id: string | null
  has_lifeline: Generated<boolean>
  /** When a pass of it ended last. */
  dispatched_at: Date | null
  started_at: Generated<Date>
  beat_at: Generated<Date>
}

/** A settled delivery, without what it said. */
export interface HistoryTable {
  delivery_id: string
  stream_id: string
  jti: string
  txn: string
  event_type: string
  kid: string
  /** Of the compact SET as it was sent. */
  set_sha256: Buffer
  outcome: 'accepted' | 'discarded'
  status: number | null
  /** The address and port that accepted it. */
  connected_to: string | null
  /** Of the certificate that it showed there. */
  certificate_sha256: Buffer | null
  /** Why it was discarded. */
  reason: string | null
  /** The last redrive that released it. */
  redrive_id: string | null
  attempts: number
  created_at: Date
  settled_at: Generated<Date>
}

/** An attempt that was not accepted. */
export interface AttemptTable {
  delivery_id: string
  stream_id: string
  jti: string
  /** Counted attempts, this one included. */
  attempt: number
  counted: boolean
  probe: boolean
  status: number | null
  reason: string
  description: string | null
  connected_to: string | null
  duration_ms: number
  worker: string | null
  ended_at: Generated<Date>
}

/** A signing key that nothing depended on any more. */
export interface RetiredKeyTable {
  kid: string
  retired_at: Generated<Date>
}

/** Dead letters to be sent again: those that fit and died no later than `until`. */
export interface RedriveTable {
  id: GeneratedAlways<string>
  stream_id: string | null
  event_type: string | null
  reason: string | null
  since: Date | null
  until: Date
  created_at: Generated<Date>
  created_by: string
  cancelled_at: Date | null
  cancelled_by: string | null
}

/** How far a redrive is with one stream. */
export interface RedriveStreamTable {
  redrive_id: string
  stream_id: string
  state: Generated<RedriveState>
  per_second: number
  /** That fitted when it began. */
  total: string
  released: Generated<string>
  skipped: Generated<string>
  after_id: Generated<string>
  next_at: Generated<Date>
}

/** Whether a redrive is under way. */
export type RedriveState = 'running' | 'cancelled' | 'done'

/** What is still to be delivered. */
export interface PendingView {
  jti: string
  stream_id: string
  event_type: string
  txn: string
  state: 'queued' | 'dispatched'
  attempts: number
  due_at: Date
  created_at: Date
  age: Interval
  /** When it is given up. */
  expires_at: Date
  last_attempt_at: Date | null
  last_status: number | null
  last_reason: string | null
  last_description: string | null
  worker: string | null
  claimed_at: Date | null
}

/** What was given up, and why. */
export interface DeadView {
  jti: string
  stream_id: string
  event_type: string
  txn: string
  attempts: number
  created_at: Date
  last_attempt_at: Date | null
  dead_at: Date
  dead_because: DeadBecause
  status: number | null
  reason: string | null
  description: string | null
}

/** Every delivery on record, whatever its state, with all that is recorded of it. */
export interface RecordedView {
  jti: string
  stream_id: string
  event_type: string
  txn: string
  kid: string
  state: 'queued' | 'dispatched' | 'dead' | 'accepted' | 'discarded'
  urgent: boolean | null
  attempts: number
  created_at: Date
  retried_at: Date | null
  due_at: Date | null
  expires_at: Date | null
  dispatched_at: Date | null
  probe: boolean | null
  worker: string | null
  claimed_at: Date | null
  first_failed_at: Date | null
  last_attempt_at: Date | null
  status: number | null
  reason: string | null
  description: string | null
  dead_because: DeadBecause | null
  dead_at: Date | null
  settled_at: Date | null
  connected_to: string | null
  certificate_sha256: Buffer | null
  set_sha256: Buffer | null
}

/** Each stream with what waits for it. Counts are text, as `pg` gives a `bigint`. */
export interface StreamHealthView {
  stream_id: string
  profile: StreamProfile
  status: StreamStatus
  status_reason: string | null
  status_changed_at: Date
  breaker_open_until: Date | null
  breaker_open_because: string | null
  queued: string
  dispatched: string
  /** How many it may have in flight for now. */
  window_earned: number
  max_in_flight: number
  /** When its rate lets the next request through. */
  rate_room_at: Date
  dead: string
  oldest_due_at: Date | null
  lag: ColumnType<PostgresInterval | null, never, never>
}

/** How far each redrive is. Counts are text, as `pg` gives a `bigint`. */
export interface RedriveProgressView extends Selectable<RedriveTable> {
  state: RedriveState
  total: string
  released: string
  skipped: string
  remaining: string
  /** Of all its streams together. */
  per_second: number
  remaining_for: ColumnType<PostgresInterval, never, never>
  waiting: string
  accepted: string
  dead_again: string
  discarded: string
}

/** What of a stream's row is neither secret nor long. */
type ShownStreamColumns = Omit<
  StreamTable,
  'credential' | 'encryption_key' | 'ca_certificates' | 'client_certificate' | 'client_private_key'
>

/** A stream as others than its worker may see it: that it has a credential, never which. */
export interface StreamSettingsView extends ShownStreamColumns {
  has_authorization: boolean
  /** Names the receiver's key to which its SETs are encrypted; `null` when they are signed alone. */
  encryption_kid: string | null
  /** The beginning of the SHA-256 of what is stored: tells one from another. */
  ca_certificates_digest: string | null
  client_certificate_digest: string | null
}
