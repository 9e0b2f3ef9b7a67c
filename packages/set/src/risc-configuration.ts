import { type WellKnownHandler, wellKnown } from './well-known.ts'

/** What a transmitter older than SSF says of itself. */
export interface RiscMetadata {
  readonly issuer: string
  readonly jwks_uri: string
  /** Where the IdP itself takes SETs by push, if it does. */
  readonly push_url?: string
}

const push = 'https://schemas.openid.net/secevent/risc/delivery-method/push'

/**
 * Makes the handler of login.gov's `/.well-known/risc-configuration`. SSF 1.0 §7.2.2 leaves it to transmitters that have
 * it already.
 *
 * @throws {@link InvalidOptionsError} when the issuer or the `jwks_uri` is not an `https:` URL.
 */
export function riscConfiguration({ issuer, jwks_uri, push_url }: RiscMetadata): WellKnownHandler {
  const delivery = push_url === undefined ? [] : [{ delivery_method: push, url: push_url }]
  return wellKnown('risc-configuration', { issuer, jwks_uri, delivery_methods_supported: [push], delivery })
}
