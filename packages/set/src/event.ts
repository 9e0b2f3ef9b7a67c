import type { CatalogueClaims } from './catalogue.ts'
import type { EventTypes, NoEventTypes, OwnClaims } from './event-own.ts'
import type { JsonObject } from './json.ts'
import type { SubjectIdentifier } from './subject.ts'

/** An event of a type that neither the catalogue nor the IdP's own types describe. */
export interface UriEvent {
  readonly type: `https:${string}` | `urn:${string}`
  readonly claims: JsonObject
  readonly subject?: SubjectIdentifier
}

/**
 * What happened to a user: `type` names it, and its claims stand beside `type` under the standard's member names.
 *
 * `subject`, where given, replaces the subject under which a receiver knows the user. `Own` adds the IdP's own types
 * (see {@link defineEventTypes}).
 *
 * @example Three ways to name a type
 * ```ts
 * const disabled: SecurityEvent = { type: 'account-disabled', reason: 'hijacking' }
 * const compliance: SecurityEvent = {
 *   type: 'device-compliance-change',
 *   previous_status: 'compliant',
 *   current_status: 'not-compliant',
 * }
 * const scim: SecurityEvent = { type: 'urn:ietf:params:scim:event:prov:delete', claims: {} }
 * ```
 */
export type SecurityEvent<Own extends EventTypes = NoEventTypes> =
  | EventsOf<CatalogueClaims>
  | EventsOf<OwnClaims<Own>>
  | UriEvent

type EventsOf<Claims> = {
  [T in keyof Claims]: Flat<{ readonly type: T } & Claims[T] & Subject<Claims[T]>>
}[keyof Claims]

type Subject<Claims> = 'subject' extends keyof Claims ? unknown : { readonly subject?: SubjectIdentifier }

type Flat<T> = { [K in keyof T]: T[K] }
