import { type CaepClaims, caepEvents } from './event-caep.ts'
import { type LoginGovClaims, loginGovEvents } from './event-login-gov.ts'
import { type RiscClaims, riscEvents } from './event-risc.ts'
import type { EventRule, EventRules } from './event-rule.ts'
import { type SsfClaims, ssfEvents } from './event-ssf.ts'

/** The claims of every catalogued event, by its short name. */
export interface CatalogueClaims extends RiscClaims, CaepClaims, SsfClaims, LoginGovClaims {}

/** The short name of an event of RISC 1.0, CAEP 1.0, SSF 1.0 or login.gov. */
export type EventName = keyof CatalogueClaims

const rules: EventRules<CatalogueClaims> = { ...riscEvents, ...caepEvents, ...ssfEvents, ...loginGovEvents }

/** The rules of every catalogued event, by short name. */
export const catalogue: ReadonlyMap<string, EventRule> = new Map(Object.entries<EventRule>(rules))

const byUri = new Map(Object.entries<EventRule>(rules).map(([name, rule]) => [rule.uri, name as EventName]))

/** The event type URI of each catalogued event, by short name. */
export const eventUris: Readonly<Record<EventName, string>> = Object.fromEntries(
  Object.entries(rules).map(([name, { uri }]) => [name, uri]),
) as Record<EventName, string>

/** The short name of a catalogued event type URI. */
export function eventNameOf(uri: string): EventName | undefined {
  return byUri.get(uri)
}

/** The rules of a catalogued event type URI. */
export function eventRuleOf(uri: string): EventRule | undefined {
  const name = byUri.get(uri)
  return name && rules[name]
}
