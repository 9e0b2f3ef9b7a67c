import type { SubjectIdentifier } from 'risc-set'

/** Every identifier in a subject that may name somebody, each as a text. */
function partsOf(subject: SubjectIdentifier): string[] {
  switch (subject.format) {
    case 'aliases':
      return subject.identifiers.flatMap(partsOf)
    case 'complex':
      return Object.values(subject).flatMap((part) => (typeof part === 'object' ? partsOf(part) : []))
    case 'email':
      return [subject.email.normalize('NFC').toLowerCase()]
    default:
      return [JSON.stringify(subject)]
  }
}

/** Whether no two have an identifier in common. */
export function areStrangers(subjects: readonly SubjectIdentifier[]): boolean {
  const parts = subjects.flatMap((subject) => [...new Set(partsOf(subject))])
  return new Set(parts).size === parts.length
}
