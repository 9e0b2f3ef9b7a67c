import { closestMatch } from 'leven'
import { eventUris } from 'risc-set'
import { MisuseError } from './command-error.ts'

/**
 * Reads an event type that `option` was given, a short name or a URI, as its URI.
 *
 * @throws {@link MisuseError}
 */
export function eventUri(option: string, type: string): string {
  const names: Readonly<Record<string, string>> = eventUris
  const uri = Object.hasOwn(names, type) ? names[type] : undefined
  if (uri !== undefined) return uri
  if (URL.canParse(type)) return type
  const meant = closestMatch(type, Object.keys(names), { maxDistance: 5 })
  throw new MisuseError(
    `${option}: ${type} is neither a known event nor a URI${meant === undefined ? '' : ` (did you mean ${meant}?)`}`,
  )
}
