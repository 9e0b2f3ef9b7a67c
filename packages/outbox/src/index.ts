export type {
  AttemptTable,
  DeadBecause,
  DeadView,
  DeliveryTable,
  FlowTable,
  HistoryTable,
  InflightTable,
  OutboxDatabase,
  PaceTable,
  PendingView,
  PostgresInterval,
  RecordedView,
  RedriveProgressView,
  RedriveState,
  RedriveStreamTable,
  RedriveTable,
  RetiredKeyTable,
  StreamHealthView,
  StreamProfile,
  StreamSettingsView,
  StreamStatus,
  StreamTable,
  SubjectTable,
  WorkerTable,
} from './database.ts'
export type { Enqueued } from './enqueue.ts'
export {
  ActiveKeyError,
  MissingSubjectError,
  NotInTransactionError,
  type OutboxError,
  StreamNotEnabledError,
  UnknownKeyError,
  UnknownStreamError,
} from './errors.ts'
export type { OutboxEvent } from './event.ts'
export type { KeyUsage, KeyUsageOptions } from './key-usage.ts'
export { createOutbox, type Outbox, type OutboxOptions } from './outbox.ts'
export type { Recipient, RecipientLookup } from './recipients.ts'
export type { Resigned, ResignOptions } from './resign.ts'
export { orderKey } from './sign-delivery.ts'
export type { StreamStatusChange, StreamStatusOptions } from './stream-status.ts'
export type { Link } from './subjects.ts'
export type {
  KyselyConnection,
  KyselyTransaction,
  OutboxConnection,
  OutboxTransaction,
  QueryableConnection,
  QueryableTransaction,
} from './transaction.ts'
export type { Verification, VerifyStreamOptions } from './verify-stream.ts'
