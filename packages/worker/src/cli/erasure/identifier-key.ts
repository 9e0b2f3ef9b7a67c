import { domainToASCII } from 'node:url'

/**
 * What two spellings of one subject identifier have in common: in any order of members, an e-mail address in any case, in
 * the words of RFC 9493 or of login.gov.
 */
export function identifierKey(identifier: object): string {
  return write(identifier)
}

function write(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(write).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(normalized({ ...value }))
  return `{${members
    .map(([name, member]) => `${JSON.stringify(name)}:${write(member)}`)
    .sort()
    .join()}}`
}

/** login.gov's dialect has `subject_type` for `format`, and hyphens in its values. */
function normalized({
  subject_type,
  ...members
}: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const format = typeof subject_type === 'string' ? subject_type.replaceAll('-', '_') : undefined
  const identifier = { ...(format !== undefined && { format }), ...members }
  const { format: kind, email } = identifier as Readonly<Record<string, unknown>>
  return kind === 'email' && typeof email === 'string' ? { ...identifier, email: emailKey(email) } : identifier
}

function emailKey(address: string): string {
  const at = address.lastIndexOf('@')
  const domain = address.slice(at + 1)
  return `${address.slice(0, at)}@${domainToASCII(domain) || domain}`.normalize('NFC').toLowerCase()
}
