/** The name among `names` that `given` was most likely meant to be; undefined when it is none of them or spelt right. */
export function meant(given: string, names: readonly string[]): string | undefined {
  if (names.includes(given)) return undefined
  const letters = bare(given)
  const former = formerNames.get(letters)
  return names.find((name) => name === former || bare(name) === letters)
}

// Drafts and dialects: RISC §2.5 says `phone`, RISC §3.1 deprecates `subject_type`, SSF puts `sub_id` where we say `subject`.
const formerNames: ReadonlyMap<string, string> = new Map([
  ['phone', 'phone_number'],
  ['subjecttype', 'format'],
  ['subid', 'subject'],
  ['optoutcanceled', 'opt-out-cancelled'],
])

function bare(name: string): string {
  return name.replaceAll(/[^\p{L}\p{N}]/gu, '').toLowerCase()
}
