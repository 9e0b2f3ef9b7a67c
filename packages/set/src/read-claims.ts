import { type EventName, eventNameOf } from './catalogue.ts'
import { filled, isObject, Place } from './check.ts'
import type { Problem } from './error.ts'
import { seconds } from './event-claims.ts'
import { isUri } from './identifier-syntax.ts'
import { InvalidSetError } from './invalid-set.ts'
import type { JsonObject } from './json.ts'
import type { SetClaims } from './profile.ts'
import { type ProfileName, profiles } from './profiles.ts'
import type { SubjectIdentifier } from './subject.ts'

/** What a verified SET says, in the same form for every profile. */
export interface VerifiedSet {
  /** Unique for the issuer: one seen before is a repeated delivery. */
  readonly jti: string
  readonly issuer: string
  readonly issuedAt: Date
  /** Shared by every SET of one cause. */
  readonly txn?: string
  readonly subject: SubjectIdentifier
  /** One event; several only where they are names for the same thing (SSF 1.0 §4.2.1). */
  readonly events: readonly ReceivedEvent[]
}

/** An event of a verified SET. Its claims are as the issuer sent them. */
export interface ReceivedEvent {
  /** The short name of a RISC, CAEP, SSF or login.gov event; the URI of any other. */
  readonly type: EventName | (string & Record<never, never>)
  readonly uri: string
  readonly claims: JsonObject
}

/** Reads the claims of a SET whose signature, issuer and audience are verified, by the rules of its profile. */
export function readClaims(claims: Readonly<Record<string, unknown>>, profile: ProfileName, now: Date): VerifiedSet {
  const problems: Problem[] = []
  const place = new Place('', 'RFC 8417 §2.2', problems)
  const { iss, iat, jti, txn, sub, events } = claims
  seconds(iat, place.member('iat'))
  filled(jti, place.member('jti'))
  if (txn !== undefined) filled(txn, place.member('txn'))
  if (sub !== undefined) place.member('sub', 'SSF 1.0 §4.1.3').refuse('must not be present')
  const reading = isEvents(events)
    ? profiles[profile].read(claims as SetClaims, place, now.getTime() / 1000)
    : place.member('events').refuse('must be an object of at least one event: URIs with objects')

  if (reading === undefined || problems.length > 0) {
    throw new InvalidSetError(
      'invalid_request',
      problems.map(({ path, message, section }) => `${path} ${message} (${section})`).join('; '),
    )
  }
  return {
    jti: jti as string,
    issuer: iss as string,
    issuedAt: new Date((iat as number) * 1000),
    ...(txn !== undefined && { txn: txn as string }),
    subject: reading.subject,
    events: Object.entries(reading.events).map(([uri, claims]) => ({ type: eventNameOf(uri) ?? uri, uri, claims })),
  }
}

function isEvents(value: unknown): value is SetClaims['events'] {
  if (!isObject(value)) return false
  const events = Object.entries(value)
  return events.length > 0 && events.every(([uri, event]) => isUri(uri) && isObject(event))
}
