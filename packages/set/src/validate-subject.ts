import { type Check, filled, isObject, Place } from './check.ts'
import { InvalidEventError, type Problem } from './error.ts'
import { acctUri, addrSpec, didUrl, e164, ipAddress, stringOrUri, uri } from './identifier-syntax.ts'
import { type MembersOf, readMembers, required } from './members.ts'
import { meant } from './spelling.ts'
import type { SimpleSubject, SubjectFormat, SubjectIdentifier } from './subject.ts'

/**
 * Reads a subject identifier of any format of RFC 9493 or SSF 1.0, member by member; members that a format does not
 * describe are refused (RFC 9493 §3).
 *
 * @throws {@link InvalidEventError} listing every problem by its path below `subject`.
 */
export function validateSubject(subject: unknown): SubjectIdentifier {
  const problems: Problem[] = []
  const read = readSubject(subject, new Place('subject', 'RFC 9493 §3', problems))
  if (read === undefined || problems.length > 0) throw new InvalidEventError(problems)
  return read
}

/** Checks for a subject identifier of any format. */
export const readSubject: Check<SubjectIdentifier> = (value, place) => readFormat(value, place, formats)

type Fields = Readonly<Record<string, unknown>>
type Reader = (fields: Fields, place: Place) => unknown
type Formats = { readonly [F in SubjectFormat]?: Reader }

const simpleFormats: Readonly<Record<SimpleSubject['format'], Reader>> = {
  account: simple<'account'>('RFC 9493 §3.2.1', { uri: required(acctUri) }),
  email: simple<'email'>('RFC 9493 §3.2.2', { email: required(addrSpec) }),
  iss_sub: simple<'iss_sub'>('RFC 9493 §3.2.3', { iss: required(stringOrUri), sub: required(stringOrUri) }),
  opaque: simple<'opaque'>('RFC 9493 §3.2.4', { id: required(filled) }),
  phone_number: simple<'phone_number'>('RFC 9493 §3.2.5', { phone_number: required(e164) }),
  did: simple<'did'>('RFC 9493 §3.2.6', { url: required(didUrl) }),
  uri: simple<'uri'>('RFC 9493 §3.2.7', { uri: required(uri) }),
  jwt_id: simple<'jwt_id'>('SSF 1.0 §3.5.1', { iss: required(stringOrUri), jti: required(filled) }),
  saml_assertion_id: simple<'saml_assertion_id'>('SSF 1.0 §3.5.2', {
    issuer: required(filled),
    assertion_id: required(filled),
  }),
  'ip-addresses': simple<'ip-addresses'>('SSF 1.0 §3.5.3', { 'ip-addresses': required(addresses) }),
}

const notAliases: Formats = { ...simpleFormats, complex }

const formats: Formats = { ...notAliases, aliases }

function readFormat(value: unknown, place: Place, allowed: Formats): SubjectIdentifier | undefined {
  if (!isObject(value)) return place.refuse('must be a subject identifier object')
  const { format } = value
  if (format === undefined) {
    const misspelt = Object.keys(value).find((name) => meant(name, ['format']) !== undefined)
    if (misspelt === undefined) return place.member('format').refuse('is required')
    return place.member(misspelt).refuse('is spelt "format"')
  }
  const reader = Object.entries(allowed).find(([name]) => name === format)?.[1]
  if (reader === undefined) return refuseFormat(format, Object.keys(allowed), place.member('format'))
  return reader(value, place) as SubjectIdentifier
}

function refuseFormat(format: unknown, names: readonly string[], place: Place): undefined {
  const right = typeof format === 'string' ? meant(format, names) : undefined
  return place.refuse(right === undefined ? `must be one of ${names.join(', ')}` : `is spelt "${right}"`)
}

function simple<F extends SimpleSubject['format']>(
  section: string,
  members: MembersOf<Omit<Extract<SimpleSubject, { format: F }>, 'format'>>,
): Reader {
  const all = { format: required(filled), ...members }
  return (fields, place) => readMembers(fields, all, place.under(section))
}

function addresses(value: unknown, place: Place): string[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return place.refuse('must be an array of at least one address')
  return Array.from(value, (address, index) => ipAddress(address, place.element(index)) ?? '')
}

function complex({ format, ...parts }: Fields, outer: Place): unknown {
  const place = outer.under('SSF 1.0 §3.3')
  const named = Object.entries(parts).filter(([, part]) => part !== undefined)
  if (named.length === 0) place.refuse('must have at least one member beside format')
  const read = named.map(([name, part]) => {
    const at = place.member(name)
    filled(name, at)
    return [name, readFormat(part, at, simpleFormats)] as const
  })
  return Object.fromEntries([['format', format], ...read])
}

function aliases(fields: Fields, outer: Place): unknown {
  const place = outer.under('RFC 9493 §3.2.8')
  return readMembers(fields, { format: required(filled), identifiers: required(identifiers) }, place)
}

function identifiers(value: unknown, place: Place): unknown {
  if (!Array.isArray(value) || value.length === 0) return place.refuse('must be an array of at least one identifier')
  const seen = new Set<string>()
  return Array.from(value, (identifier, index) => {
    const at = place.element(index)
    const read = readFormat(identifier, at, notAliases)
    const canonical = JSON.stringify(Object.entries(read ?? {}).sort())
    if (read !== undefined && seen.has(canonical)) at.refuse('must not repeat an identifier')
    seen.add(canonical)
    return read
  })
}
