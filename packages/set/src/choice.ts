import { type Check, filled, type Place } from './check.ts'
import { meant } from './spelling.ts'

declare const agreed: unique symbol

/**
 * A value that transmitter and receiver agreed on beside those the standard lists, where it allows that.
 *
 * @example A credential type of one's own
 * ```ts
 * { type: 'credential-compromise', credential_type: 'smart-card' as AgreedValue }
 * ```
 */
export type AgreedValue = string & { readonly [agreed]: true }

/** Checks for one of `values` and nothing else. */
export function oneOf<const T extends string>(...values: readonly T[]): Check<T> {
  return (value, place) => values.find((one) => one === value) ?? refuse(value, values, place)
}

/** Checks for one of `values` or another agreed one; a misspelling of a listed value is not an agreed one. */
export function oneOfOrAgreed<const T extends string>(...values: readonly T[]): Check<T | AgreedValue> {
  return (value, place) => {
    if (typeof value !== 'string' || value === '' || meant(value, values)) return refuse(value, values, place)
    return filled(value, place) as T | AgreedValue | undefined
  }
}

function refuse(value: unknown, values: readonly string[], place: Place): undefined {
  const right = typeof value === 'string' ? meant(value, values) : undefined
  const list = values.map((one) => `"${one}"`).join(', ')
  return place.refuse(right === undefined ? `must be one of ${list}` : `must be one of ${list}: it is spelt "${right}"`)
}
