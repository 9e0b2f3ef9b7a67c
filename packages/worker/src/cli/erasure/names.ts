import type { SubjectIdentifier } from 'risc-set'

/** A name of a person. */
export interface Name {
  readonly subject: SubjectIdentifier
  /** The only stream whose receiver means this person by it; every receiver does if there is none. */
  readonly streamId?: string
}

/** Formats of what means somebody to one receiver alone (RFC 9493 §3.2.4), or only as a whole. */
const LOCAL_FORMATS: ReadonlySet<string> = new Set(['opaque', 'ip-addresses', 'complex'])

/**
 * The names that a subject identifier gives a person: each of its aliases, and the `user` of a complex one unless that
 * may be another's name beside another tenant.
 */
export function namesIn(subject: SubjectIdentifier): SubjectIdentifier[] {
  if (subject.format === 'aliases') return subject.identifiers.flatMap(namesIn)
  return principals(subject).filter((name) => name === subject || !LOCAL_FORMATS.has(name.format))
}

/** The same of the subject under which one receiver knows the person: with another it may be somebody else's name. */
export function namesWith(streamId: string, subject: SubjectIdentifier): Name[] {
  return namesIn(subject).map((name) => ({ subject: name, ...(LOCAL_FORMATS.has(name.format) && { streamId }) }))
}

/** Every identifier that is, or would be, whom a subject identifier is about. */
export function principals(subject: SubjectIdentifier): SubjectIdentifier[] {
  if (subject.format === 'aliases') return subject.identifiers.flatMap(principals)
  return subject.format === 'complex' && subject.user !== undefined ? [subject, subject.user] : [subject]
}
