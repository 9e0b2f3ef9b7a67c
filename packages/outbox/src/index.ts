export type {
  DeadBecause,
  DeadView,
  DeliveryTable,
  HistoryTable,
  InflightTable,
  OutboxDatabase,
  PendingView,
  PostgresInterval,
  StreamHealthView,
  StreamProfile,
  StreamStatus,
  StreamTable,
  SubjectTable,
  WorkerTable,
} from './database.ts'
export type { Enqueued } from './enqueue.ts'
export { MissingSubjectError, NotInTransactionError, type OutboxError, UnknownStreamError } from './errors.ts'
export type { OutboxEvent } from './event.ts'
export { createOutbox, type Outbox, type OutboxOptions } from './outbox.ts'
export type { Recipient, RecipientLookup } from './recipients.ts'
export type { Link } from './subjects.ts'
export type { KyselyTransaction, OutboxTransaction, QueryableTransaction } from './transaction.ts'
