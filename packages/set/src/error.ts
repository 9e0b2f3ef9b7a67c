/** One broken rule: where, what the rule is, and the section that sets it. Never holds the value that broke it. */
export interface Problem {
  /** Members from the outside in, as in `subject.email` or `keys[1].kty`. */
  readonly path: string
  readonly message: string
  /** The standard's section, as in `RISC 1.0 §2.3`. */
  readonly section: string
}

/** The base of every error the risc packages throw on purpose; `code` is stable, messages are not. */
export abstract class RiscError extends Error {
  abstract readonly code: string

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** The event, its subject or the claims around them break a rule. Lists every problem found, not only the first. */
export class InvalidEventError extends RiscError {
  readonly code = 'ERR_RISC_INVALID_EVENT'
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(`The event cannot be sent. ${describe(problems)}`)
    this.problems = problems
  }
}

/** Keys cannot sign, encrypt or decrypt SETs. Lists every problem found and never quotes the key material. */
export class InvalidKeysError extends RiscError {
  readonly code = 'ERR_RISC_INVALID_KEYS'
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(`The keys cannot be used. ${describe(problems)}`)
    this.problems = problems
  }
}

/** A receiver or a discovery document is set up in a way the standards forbid. */
export class InvalidOptionsError extends RiscError {
  readonly code = 'ERR_RISC_INVALID_OPTIONS'
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(`The options cannot be used. ${describe(problems)}`)
    this.problems = problems
  }
}

function describe(problems: readonly Problem[]): string {
  return problems.map(({ path, message, section }) => `${path}: ${message} (${section})`).join('; ')
}
