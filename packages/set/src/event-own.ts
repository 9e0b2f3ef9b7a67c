import { catalogue } from './catalogue.ts'
import { Place } from './check.ts'
import { InvalidEventError, type Problem } from './error.ts'
import { isUri } from './identifier-syntax.ts'

declare const claims: unique symbol

/** One of an IdP's own event types, with the type of its claims; made by {@link eventType}. */
export interface EventType<Claims extends object = object> {
  /** Absolute `https:` or `urn:` URI that names the type on the wire. */
  readonly uri: string
  /** Names each rule that `given` breaks; `given` is known to be a JSON object. */
  validate(given: { readonly [K in keyof Claims]?: unknown }): readonly ClaimProblem[]
  /** Carries the type of the claims; never there at run time. */
  readonly [claims]?: Claims
}

/** A rule that a claim of an own event type breaks. Must not quote the claim. */
export type ClaimProblem = Pick<Problem, 'path' | 'message'>

/** Own event types by the short name that events give as `type`. */
export type EventTypes = Readonly<Record<string, EventType>>

/** No own event types. */
export type NoEventTypes = Record<never, never>

/** The claims of own event types, by short name. */
export type OwnClaims<Own extends EventTypes> = {
  readonly [T in keyof Own]: Own[T] extends EventType<infer Claims> ? Claims : never
}

/** Describes an own event type: its URI, the type of its claims and, if they need one, a check of them. */
export function eventType<Claims extends object = NoEventTypes>(
  uri: string,
  validate: EventType<Claims>['validate'] = () => [],
): EventType<Claims> {
  return { uri, validate }
}

/**
 * Declares an IdP's own event types once, so that they are sent like the standard's. A type may carry a standard's URI
 * to add claims that both sides agreed on.
 *
 * @example An event of one's own
 * ```ts
 * const own = defineEventTypes({
 *   'tier-changed': eventType<{ tier: 'gold' | 'silver' }>('https://idp.example/events/tier-changed', ({ tier }) =>
 *     tier === 'gold' || tier === 'silver' ? [] : [{ path: 'tier', message: 'must be gold or silver' }],
 *   ),
 * })
 * const event: SecurityEvent<typeof own> = { type: 'tier-changed', tier: 'gold' }
 * ```
 * @throws {@link InvalidEventError} when a name is a standard event's or a URI is not absolute.
 */
export function defineEventTypes<const Own extends EventTypes>(types: Own): Own {
  const problems: Problem[] = []
  for (const [name, { uri }] of Object.entries(types)) {
    const place = new Place('', 'RFC 8417 §2.2', problems).member(name)
    if (catalogue.has(name)) place.refuse('is the name of a standard event')
    if (name.includes(':')) place.refuse('must be a short name, not a URI')
    if (!isTypeUri(uri)) place.member('uri').refuse('must be an absolute https: or urn: URI')
  }
  if (problems.length > 0) throw new InvalidEventError(problems)
  return Object.freeze({ ...types })
}

/** Whether `type` can name an event type on the wire: an absolute `https:` or `urn:` URI. */
export function isTypeUri(type: string): boolean {
  return isUri(type) && /^(?:https:\/\/[^/?#]|urn:[a-z0-9][a-z0-9-]*:.)/i.test(type)
}
