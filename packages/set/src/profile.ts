import type { Place } from './check.ts'
import type { JsonObject } from './json.ts'
import type { ResolvedEvent } from './resolve-event.ts'
import type { SubjectIdentifier } from './subject.ts'

/** What one SET says, before a profile gives it its form. */
export interface SetContent {
  readonly iss: string
  readonly aud: string | readonly string[]
  readonly jti: string
  readonly txn: string
  /** Seconds since 1970. */
  readonly iat: number
  readonly event: ResolvedEvent
  readonly subject: SubjectIdentifier
}

/** The claims of a SET, in the order in which they are written. */
export interface SetClaims {
  readonly iss: string
  readonly iat: number
  readonly jti: string
  readonly aud: string | readonly string[]
  readonly events: Readonly<Record<string, JsonObject>>
  readonly [other: string]: unknown
}

/** What a profile finds in verified claims: the subject, and the events without it. */
export interface SetReading {
  readonly subject: SubjectIdentifier
  readonly events: Readonly<Record<string, JsonObject>>
}

/** A dialect of SETs: how one is written and how one is read. */
export interface Profile {
  /** Writes the claims, or notes at `place` what this dialect cannot say. */
  write(content: SetContent, place: Place): SetClaims | undefined
  /** Reads verified claims, or notes at `place` which of the dialect's rules they break. `now` is seconds since 1970. */
  read(claims: SetClaims, place: Place, now: number): SetReading | undefined
}
