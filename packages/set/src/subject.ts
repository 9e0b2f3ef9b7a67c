/** An account at a provider (RFC 9493 §3.2.1); `uri` is an `acct:` URI. */
export interface AccountSubject {
  readonly format: 'account'
  readonly uri: string
}

/** An e-mail address (RFC 9493 §3.2.2). */
export interface EmailSubject {
  readonly format: 'email'
  readonly email: string
}

/** An issuer and its name for the subject, as in an ID token (RFC 9493 §3.2.3). */
export interface IssSubSubject {
  readonly format: 'iss_sub'
  readonly iss: string
  readonly sub: string
}

/** An identifier that means something to the two parties alone (RFC 9493 §3.2.4). */
export interface OpaqueSubject {
  readonly format: 'opaque'
  readonly id: string
}

/** A telephone number in E.164 form with the leading `+` (RFC 9493 §3.2.5). */
export interface PhoneNumberSubject {
  readonly format: 'phone_number'
  readonly phone_number: string
}

/** A decentralized identifier (RFC 9493 §3.2.6); `url` is a DID URL. */
export interface DidSubject {
  readonly format: 'did'
  readonly url: string
}

/** Anything with a URI (RFC 9493 §3.2.7). */
export interface UriSubject {
  readonly format: 'uri'
  readonly uri: string
}

/** A JWT by its issuer and `jti` (SSF 1.0 §3.5.1). */
export interface JwtIdSubject {
  readonly format: 'jwt_id'
  readonly iss: string
  readonly jti: string
}

/** A SAML assertion by its issuer and id (SSF 1.0 §3.5.2). */
export interface SamlAssertionIdSubject {
  readonly format: 'saml_assertion_id'
  readonly issuer: string
  readonly assertion_id: string
}

/** IP addresses in text form (SSF 1.0 §3.5.3). */
export interface IpAddressesSubject {
  readonly format: 'ip-addresses'
  readonly 'ip-addresses': readonly string[]
}

/** One principal under one name. */
export type SimpleSubject =
  | AccountSubject
  | EmailSubject
  | IssSubSubject
  | OpaqueSubject
  | PhoneNumberSubject
  | DidSubject
  | UriSubject
  | JwtIdSubject
  | SamlAssertionIdSubject
  | IpAddressesSubject

/** One principal by the things around it (SSF 1.0 §3.3): at least one, each a simple subject. */
export interface ComplexSubject {
  readonly format: 'complex'
  readonly user?: SimpleSubject
  readonly device?: SimpleSubject
  readonly session?: SimpleSubject
  readonly application?: SimpleSubject
  readonly tenant?: SimpleSubject
  readonly org_unit?: SimpleSubject
  readonly group?: SimpleSubject
  readonly [other: string]: SimpleSubject | 'complex' | undefined
}

/** One principal under several names (RFC 9493 §3.2.8): at least one, none itself `aliases`. */
export interface AliasesSubject {
  readonly format: 'aliases'
  readonly identifiers: readonly (SimpleSubject | ComplexSubject)[]
}

/** Whom an event is about: every format of RFC 9493 and SSF 1.0. */
export type SubjectIdentifier = SimpleSubject | ComplexSubject | AliasesSubject

/** The name of a subject identifier format. */
export type SubjectFormat = SubjectIdentifier['format']
