import { RiscError } from 'risc-set'

/** The configuration cannot be used. Lists every problem found, not only the first. */
export class InvalidConfigError extends RiscError {
  readonly code = 'ERR_RISC_INVALID_CONFIG'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(['the configuration cannot be used:', ...problems].join('\n  '))
    this.problems = problems
  }
}

/** The database is not of the schema that this version works with; the message says what to run. */
export class UnknownSchemaError extends RiscError {
  readonly code = 'ERR_RISC_UNKNOWN_SCHEMA'
}

/** The server is older than the oldest PostgreSQL that is supported. */
export class UnsupportedPostgresError extends RiscError {
  readonly code = 'ERR_RISC_UNSUPPORTED_POSTGRES'
}

/** The role may not do what a migration does; the message says what to grant. */
export class MigrationDeniedError extends RiscError {
  readonly code = 'ERR_RISC_MIGRATION_DENIED'
}

/** A role that was to be granted something does not exist; nothing was changed. */
export class UnknownRoleError extends RiscError {
  readonly code = 'ERR_RISC_UNKNOWN_ROLE'
}

/** Health and metrics cannot be served at the address that was asked for. */
export class AddressUnavailableError extends RiscError {
  readonly code = 'ERR_RISC_ADDRESS_UNAVAILABLE'
}
