import { type InvalidEventError, type InvalidKeysError, type InvalidOptionsError, RiscError } from 'risc-set'

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

/** A stream is tested only while it is enabled (openid/sharedsignals issue 214). */
export class StreamNotEnabledError extends RiscError {
  readonly code = 'ERR_RISC_STREAM_NOT_ENABLED'
  readonly streamId: string

  constructor(streamId: string) {
    super(`stream ${streamId} is not enabled, so it cannot be verified`)
    this.streamId = streamId
  }
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

/** The key to be replaced is the one that signs. */
export class ActiveKeyError extends RiscError {
  readonly code = 'ERR_RISC_ACTIVE_KEY'
  readonly kid: string

  constructor(kid: string) {
    super(`key ${kid} is the one that signs: set up the outbox with another active key first`)
    this.kid = kid
  }
}

/** The outbox's keys have none of this `kid`, not even its public half. */
export class UnknownKeyError extends RiscError {
  readonly code = 'ERR_RISC_UNKNOWN_KEY'
  readonly kid: string

  constructor(kid: string) {
    super(`there is no key ${kid} in the outbox's keys: what it signed cannot be verified without its public half`)
    this.kid = kid
  }
}

/** Every error that an {@link Outbox} throws itself; what the database or a look-up throws is passed on as it is. */
export type OutboxError =
  | InvalidEventError
  | InvalidKeysError
  | InvalidOptionsError
  | NotInTransactionError
  | UnknownStreamError
  | StreamNotEnabledError
  | MissingSubjectError
  | ActiveKeyError
  | UnknownKeyError
