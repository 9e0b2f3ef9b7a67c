import { eventRuleOf } from './catalogue.ts'
import { filled, Place } from './check.ts'
import { InvalidEventError, type Problem } from './error.ts'
import { refuseFormat } from './event-rule.ts'
import { stringOrUri } from './identifier-syntax.ts'
import type { SetClaims } from './profile.ts'
import { type ProfileName, profiles } from './profiles.ts'
import type { ResolvedEvent } from './resolve-event.ts'
import type { SubjectIdentifier } from './subject.ts'
import { readSubject } from './validate-subject.ts'

/** What goes into the claims of one SET. */
export interface ClaimsInput {
  readonly profile: ProfileName
  readonly issuer: string
  /** The receiver's names; a single one is written as a string. */
  readonly audience: readonly string[]
  readonly jti: string
  /** Shared by every SET of one cause (SSF 1.0 §4.1.9). */
  readonly txn: string
  readonly issuedAt: Date
  readonly event: ResolvedEvent
  /** The user as this receiver knows them; the event's own subject goes before it. */
  readonly subject?: SubjectIdentifier | undefined
}

/**
 * Builds the claims of one SET in the members and the order of its profile.
 *
 * @throws {@link InvalidEventError} when there is no subject, or one that the event or the profile cannot have.
 */
export function buildClaims(input: ClaimsInput): SetClaims {
  const problems: Problem[] = []
  const place = new Place('', 'RFC 8417 §2.2', problems)
  const { event, jti, txn } = input
  const subject = readSubject(event.subject ?? input.subject, place.member('subject', 'SSF 1.0 §3.1'))
  const iss = stringOrUri(input.issuer, place.member('issuer'))
  const aud = readAudience(input.audience, place.member('audience'))
  filled(jti, place.member('jti'))
  filled(txn, place.member('txn'))
  const iat = Math.floor(input.issuedAt.getTime() / 1000)
  if (Number.isNaN(iat)) place.member('issuedAt').refuse('must be a valid date')

  if (subject !== undefined) refuseFormat(subject, eventRuleOf(event.uri), place.member('subject'))
  if (subject !== undefined && iss !== undefined && aud !== undefined) {
    const claims = profiles[input.profile].write({ iss, aud, jti, txn, iat, event, subject }, place)
    if (claims !== undefined && problems.length === 0) return claims
  }
  throw new InvalidEventError(problems)
}

function readAudience(audience: readonly string[], place: Place): string | readonly string[] | undefined {
  const names = audience.map((name, index) => filled(name, place.element(index)) ?? '')
  return names.length > 1 ? names : (names[0] ?? place.refuse('must name at least one receiver'))
}
