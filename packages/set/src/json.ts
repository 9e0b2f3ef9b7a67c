import { type Check, isObject, type Place, text } from './check.ts'

/** A value that JSON can carry. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject

/** A JSON object. */
export interface JsonObject {
  readonly [name: string]: JsonValue
}

/** Copies a JSON object, refusing whatever JSON or PostgreSQL would lose or change. */
export const jsonObject: Check<JsonObject> = (value, place) =>
  isObject(value) ? readObject(value, place, 0) : place.refuse('must be a JSON object')

const maxDepth = 32

const storable = text()

function readValue(value: unknown, place: Place, depth: number): JsonValue | undefined {
  if (depth > maxDepth) return place.refuse(`must not be nested deeper than ${maxDepth} levels`)
  if (typeof value === 'string') return storable(value, place)
  if (typeof value === 'boolean' || value === null) return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : place.refuse('must be a finite number')
  if (Array.isArray(value)) return readArray(value, place, depth)
  if (isObject(value)) return readObject(value, place, depth)
  return place.refuse('must be a JSON value: string, number, boolean, null, array or plain object')
}

function readArray(values: readonly unknown[], place: Place, depth: number): readonly JsonValue[] {
  // Array.from visits holes too, which map() would skip and JSON.stringify turn into null.
  return Array.from(values, (value, index) => readValue(value, place.element(index), depth + 1)).filter(
    (value) => value !== undefined,
  )
}

function readObject(object: Readonly<Record<string, unknown>>, place: Place, depth: number): JsonObject {
  const members: [string, JsonValue][] = []
  for (const [name, member] of Object.entries(object)) {
    const at = place.member(name)
    storable(name, at)
    const read = readValue(member, at, depth + 1)
    if (read !== undefined) members.push([name, read])
  }
  // fromEntries defines members, so that one called __proto__ stays a member.
  return Object.fromEntries(members)
}
