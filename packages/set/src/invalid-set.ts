import { RiscError } from './error.ts'

/** Why a receiver refuses a SET (RFC 8935 §2.4). */
export type SetErrorCode = 'invalid_request' | 'invalid_key' | 'invalid_issuer' | 'invalid_audience'

/** The SET is not acceptable. `err` and the message are what RFC 8935 §2.3 tells the transmitter. */
export class InvalidSetError extends RiscError {
  readonly code = 'ERR_RISC_INVALID_SET'
  readonly err: SetErrorCode

  constructor(err: SetErrorCode, description: string, options?: ErrorOptions) {
    super(description, options)
    this.err = err
  }
}

/** The issuer's keys cannot be had at the moment: nothing is known about the SET. */
export class JwksUnavailableError extends RiscError {
  readonly code = 'ERR_RISC_JWKS_UNAVAILABLE'

  constructor(cause: unknown) {
    super("The issuer's JWK set cannot be had", { cause })
  }
}
