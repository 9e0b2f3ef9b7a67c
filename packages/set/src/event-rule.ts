import type { Place } from './check.ts'
import type { Member, MembersOf } from './members.ts'
import type { SubjectFormat, SubjectIdentifier } from './subject.ts'

/** No claims beside the subject. */
export type NoClaims = Record<never, never>

/** What an event type is called on the wire, and what it may and must say. */
export interface EventRule<Claims = unknown> {
  readonly uri: string
  readonly section: string
  readonly members: [Claims] extends [object] ? MembersOf<Omit<Claims, 'subject'>> : Record<string, Member<unknown>>
  /** The formats its subject must have, where its section limits them. */
  readonly subject?: { readonly formats: readonly SubjectFormat[]; readonly required: boolean }
}

/** A rule for each event type of `Claims`, a map from type to claims. */
export type EventRules<Claims> = { readonly [T in keyof Claims]: EventRule<Claims[T]> }

/** Notes a subject whose format the event's section does not allow. */
export function refuseFormat(subject: SubjectIdentifier, rule: EventRule | undefined, place: Place): void {
  const formats = rule?.subject?.formats
  if (rule === undefined || formats === undefined || formats.includes(subject.format)) return
  place.member('format', rule.section).refuse(`must be ${formats.join(' or ')}`)
}
