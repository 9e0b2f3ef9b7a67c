import type { JsonValue } from './json.ts'
import { type WellKnownHandler, wellKnown } from './well-known.ts'

/** What a transmitter says of itself (SSF 1.0 §7.1), in the standard's member names. */
export interface SsfMetadata {
  /** The `iss` of the SETs, byte for byte. */
  readonly issuer: string
  readonly jwks_uri: string
  /** Default: `1_0`. */
  readonly spec_version?: string
  /** Default: push (`urn:ietf:rfc:8935`). */
  readonly delivery_methods_supported?: readonly string[]
  readonly configuration_endpoint?: string
  readonly status_endpoint?: string
  readonly add_subject_endpoint?: string
  readonly remove_subject_endpoint?: string
  readonly verification_endpoint?: string
  readonly critical_subject_members?: readonly string[]
  readonly authorization_schemes?: readonly { readonly spec_urn: string }[]
  readonly default_subjects?: 'ALL' | 'NONE'
  readonly [other: string]: JsonValue | undefined
}

/**
 * Makes the handler of `/.well-known/ssf-configuration`, whose `path` follows the issuer's (SSF 1.0 §7.2.1).
 *
 * @throws {@link InvalidOptionsError} when the issuer or an endpoint is not an `https:` URL.
 */
export function ssfConfiguration(metadata: SsfMetadata): WellKnownHandler {
  const defaults = { spec_version: '1_0', delivery_methods_supported: ['urn:ietf:rfc:8935'] }
  return wellKnown('ssf-configuration', { ...defaults, ...metadata })
}
