import type { Check, Place } from './check.ts'
import { meant } from './spelling.ts'

/** The rule for one member of an object. */
export interface Member<T, Required extends boolean = boolean> {
  readonly check: Check<T>
  readonly required: Required
  /** Where another section than the object's own sets the rule. */
  readonly section: string | undefined
}

/** One rule for each member of `T`: the compiler holds names, values and optionality to the type's. */
export type MembersOf<T> = {
  readonly [K in keyof T]-?: Member<Exclude<T[K], undefined>, Record<never, never> extends Pick<T, K> ? false : true>
}

/** A member that must be there. */
export function required<T>(check: Check<T>, section?: string): Member<T, true> {
  return { check, required: true, section }
}

/** A member that may be left out. */
export function optional<T>(check: Check<T>, section?: string): Member<T, false> {
  return { check, required: false, section }
}

/** Reads an object's members in the order given, refusing those that `members` does not describe. */
export function readMembers(
  object: Readonly<Record<string, unknown>>,
  members: Readonly<Record<string, Member<unknown>>>,
  place: Place,
): Record<string, unknown> {
  const names = Object.keys(members)
  const read: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(object)) {
    if (value === undefined) continue
    const rule = Object.hasOwn(members, name) ? members[name] : undefined
    if (rule === undefined) refuseName(name, names, place)
    else read[name] = rule.check(value, place.member(name, rule.section))
  }
  for (const name of names) {
    const rule = members[name]
    if (rule?.required && object[name] === undefined) place.member(name, rule.section).refuse('is required')
  }
  return read
}

function refuseName(name: string, names: readonly string[], place: Place): void {
  const right = meant(name, names)
  place.member(name).refuse(right === undefined ? 'is not described here' : `is spelt "${right}"`)
}
