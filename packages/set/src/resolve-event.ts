import { catalogue, eventNameOf } from './catalogue.ts'
import { isObject, Place } from './check.ts'
import { InvalidEventError, type Problem } from './error.ts'
import { type EventType, type EventTypes, isTypeUri } from './event-own.ts'
import { type EventRule, refuseFormat } from './event-rule.ts'
import { type JsonObject, jsonObject } from './json.ts'
import { readMembers } from './members.ts'
import { meant } from './spelling.ts'
import type { SubjectIdentifier } from './subject.ts'
import { readSubject } from './validate-subject.ts'

/** A validated event as it goes on the wire. It is a copy: a later change of the event given does not reach it. */
export interface ResolvedEvent {
  readonly uri: string
  readonly claims: JsonObject
  /** Replaces the subject under which a receiver knows the user. */
  readonly subject?: SubjectIdentifier
}

/**
 * Validates an event, however it was made, against its section of RISC 1.0, CAEP 1.0 or SSF 1.0, or against `ownTypes`.
 *
 * @throws {@link InvalidEventError} listing every problem; its message holds paths and rules, never a value.
 */
export function resolveEvent(event: unknown, ownTypes: EventTypes = {}): ResolvedEvent {
  const problems: Problem[] = []
  const resolved = resolve(event, ownTypes, new Place('', 'RFC 8417 §2.2', problems))
  if (resolved === undefined || problems.length > 0) throw new InvalidEventError(problems)
  return resolved
}

function resolve(event: unknown, ownTypes: EventTypes, place: Place): ResolvedEvent | undefined {
  if (!isObject(event)) return place.refuse('must be an object with a type')
  const { type, subject, ...rest } = event
  if (typeof type !== 'string') return place.member('type').refuse('must be the name or URI of an event type')

  const standard = catalogue.get(type)
  const own = Object.hasOwn(ownTypes, type) ? ownTypes[type] : undefined
  const about = resolveSubject(subject, standard, place.under(standard?.section ?? 'RFC 9493 §3'))
  if (standard) return { uri: standard.uri, claims: standardClaims(rest, standard, place), ...about }
  if (own) return { uri: own.uri, claims: ownClaims(rest, own, place), ...about }
  if (isTypeUri(type) && !eventNameOf(type)) return { uri: type, claims: uriClaims(rest, place), ...about }
  return refuseType(type, [...catalogue.keys(), ...Object.keys(ownTypes)], place.member('type'))
}

function resolveSubject(given: unknown, rule: EventRule | undefined, place: Place): Pick<ResolvedEvent, 'subject'> {
  const at = place.member('subject')
  if (given === undefined) {
    if (rule?.subject?.required) at.refuse('is required')
    return {}
  }
  const subject = readSubject(given, at.under('RFC 9493 §3'))
  if (subject === undefined) return {}
  refuseFormat(subject, rule, at)
  return { subject }
}

function standardClaims(rest: Readonly<Record<string, unknown>>, rule: EventRule, place: Place): JsonObject {
  return readMembers(rest, rule.members, place.under(rule.section)) as JsonObject
}

function ownClaims(rest: Readonly<Record<string, unknown>>, type: EventType, place: Place): JsonObject {
  const given = Object.entries(rest).filter(([, value]) => value !== undefined)
  const claims = jsonObject(Object.fromEntries(given), place.under('RFC 8259')) ?? {}
  for (const { path, message } of type.validate(claims)) {
    path
      .split('.')
      .reduce((at, name) => at.member(name), place.under('own event type'))
      .refuse(message)
  }
  return claims
}

function uriClaims({ claims, ...others }: Readonly<Record<string, unknown>>, place: Place): JsonObject {
  for (const [name, value] of Object.entries(others)) {
    if (value !== undefined) place.member(name).refuse('stands in claims where the type is a URI')
  }
  const at = place.member('claims')
  if (claims === undefined) at.refuse('is required where the type is a URI')
  else if (isObject(claims) && claims['subject'] !== undefined) {
    at.member('subject', 'SSF 1.0 §3.1.2').refuse('stands beside type, not in claims')
  }
  return (claims === undefined ? undefined : jsonObject(claims, at)) ?? {}
}

function refuseType(type: string, names: readonly string[], place: Place): undefined {
  const right = eventNameOf(type) ?? meant(type, names)
  return place.refuse(right === undefined ? 'is neither a known name nor an https: or urn: URI' : `is spelt "${right}"`)
}
