import type { EndpointRule } from './endpoint-url.ts'
import type { CredentialCause } from './sealed-credential.ts'

/** Why no answer came, in words that name no address, host or file. */
export type Failure =
  | 'timeout'
  | 'name_not_resolved'
  | 'connection_refused'
  | 'connection_lost'
  | 'stale_connection'
  | 'certificate_expired'
  | 'certificate_not_yet_valid'
  | 'certificate_wrong_name'
  | 'certificate_untrusted'
  | 'client_certificate_required'
  | 'tls_version'
  | 'tls_failed'
  | 'proxy_failed'
  | 'unreadable_answer'
  | 'unreachable'

/** What came of one POST, before anybody says what it means. */
export type Answer =
  | {
      readonly kind: 'response'
      readonly status: number
      /** The address and port that answered, such as `192.0.2.1:443` or `[2001:db8::1]:443`. */
      readonly connectedTo?: string
      readonly certificate?: PeerCertificate
      readonly retryAfterMs?: number
      readonly refusal?: Refusal
    }
  | { readonly kind: 'failure'; readonly failure: Failure }
  | { readonly kind: 'blocked'; readonly rule: EndpointRule }
  | TokenProblem
  | CredentialProblem
  | { readonly kind: 'aborted' }

/** The credential, or the key of the client certificate, cannot be had: nothing was sent to anybody. */
export interface CredentialProblem {
  readonly kind: 'credential_unavailable'
  readonly cause: CredentialCause
}

/** Why there was no access token to push with: nothing was sent to the receiver. */
export type TokenProblem =
  | { readonly kind: 'token_refused'; readonly error: TokenError }
  | { readonly kind: 'token_unavailable'; readonly cause: TokenTrouble; readonly retryAfterMs?: number }
  | { readonly kind: 'token_blocked'; readonly rule: EndpointRule }

/** Refusals of a token endpoint that asking again cannot turn (RFC 6749 §5.2, RFC 8707 §2). */
export type TokenError =
  | 'invalid_client'
  | 'unauthorized_client'
  | 'invalid_scope'
  | 'invalid_grant'
  | 'invalid_request'
  | 'invalid_target'
  | 'unsupported_grant_type'

/** Troubles of a token endpoint that may pass. */
export type TokenTrouble = Failure | 'server_error' | 'rate_limited' | 'redirected' | 'unexpected_status'

/** The certificate that a receiver showed. */
export interface PeerCertificate {
  /** Of its DER, in hex. */
  readonly sha256: string
  /** Told once for each connection. */
  readonly expiresAt?: Date
}

/** The body of a refusal: `err` and `description` of RFC 8935 §2.3. */
export interface Refusal {
  readonly err: string
  readonly description?: string
}
