import { type InvalidEventError, RiscError } from 'risc-set'

/** The call was not made inside the transaction that makes the change, so the two could not commit together. */
export class NotInTransactionError extends RiscError {
  readonly code = 'ERR_RISC_NOT_IN_TRANSACTION'

  constructor(options?: ErrorOptions) {
    super('this must run inside one open transaction: the one that changes the user', options)
  }
}

/** `risc.streams` has no such stream. */
export class UnknownStreamError extends RiscError {
  readonly code = 'ERR_RISC_UNKNOWN_STREAM'
}

/** A recipient came without a subject, and the event has none of its own. */
export class MissingSubjectError extends RiscError {
  readonly code = 'ERR_RISC_MISSING_SUBJECT'
  readonly streamId: string

  constructor(streamId: string) {
    super(`nobody said as whom stream ${streamId} knows the user: neither the event nor the look-up of recipients`)
    this.streamId = streamId
  }
}

/** Every error that an {@link Outbox} throws itself; what the database or a look-up throws is passed on as it is. */
export type OutboxError = InvalidEventError | NotInTransactionError | UnknownStreamError | MissingSubjectError
