import type { Problem } from './error.ts'

/** Reads one value: gives back a clean copy, or notes at `place` what is wrong with it and gives nothing. */
export type Check<T> = (value: unknown, place: Place) => T | undefined

/** Where a value stands, which section rules there, and the list its problems go to. */
export class Place {
  readonly path: string
  readonly section: string
  readonly #problems: Problem[]

  constructor(path: string, section: string, problems: Problem[]) {
    this.path = path
    this.section = section
    this.#problems = problems
  }

  /** The place of a member of the object that stands here. */
  member(name: string, section: string = this.section): Place {
    const shown = nameable.test(name) ? name : '*'
    return new Place(this.path === '' ? shown : `${this.path}.${shown}`, section, this.#problems)
  }

  /** The place of an element of the array that stands here. */
  element(index: number): Place {
    return new Place(`${this.path}[${index}]`, this.section, this.#problems)
  }

  /** The same place under another section's rule. */
  under(section: string): Place {
    return new Place(this.path, section, this.#problems)
  }

  /** Notes that the value here breaks a rule. */
  refuse(message: string): undefined {
    this.#problems.push({ path: this.path || 'event', message, section: this.section })
  }
}

// A member's name may itself be personal data, as in a map keyed by e-mail address: such names stay out of paths.
const nameable = /^[A-Za-z][\w-]{0,63}(?:\[\d+\])*$/

/** Whether `value` is an object as JSON has them: no array, no class instance. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Checks for a string that PostgreSQL and JSON can hold; `what` says what it must be, `fits` whether it is. */
export function text(what = 'a string', fits: (value: string) => boolean = () => true): Check<string> {
  return (value, place) => {
    if (typeof value !== 'string') return place.refuse(`must be ${what}`)
    if (value.includes('\0')) return place.refuse('must not contain U+0000, which PostgreSQL cannot store')
    if (!value.isWellFormed()) return place.refuse('must not contain a lone surrogate, which UTF-8 cannot encode')
    return fits(value) ? value : place.refuse(`must be ${what}`)
  }
}

/** Checks for a string that is not empty. */
export const filled: Check<string> = text('a string that is not empty', (value) => value !== '')
