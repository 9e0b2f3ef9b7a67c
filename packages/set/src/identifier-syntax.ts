import { isIP } from 'node:net'
import { type Check, text } from './check.ts'

/** Whether `value` is an RFC 3986 URI with its scheme. */
export function isUri(value: string): boolean {
  return uriPattern.test(value)
}

/** RFC 3986 URI with its scheme. */
export const uri: Check<string> = text('a URI with a scheme (RFC 3986)', isUri)

/** RFC 7565 account URI, as in `acct:user@example.com`. */
export const acctUri: Check<string> = text(
  'an acct: URI (RFC 7565)',
  (value) => isUri(value) && /^acct:[^@:/?#[\]]+@[^@/?#]+$/i.test(value),
)

/** DID URL, as in `did:example:123456/path#fragment`. */
export const didUrl: Check<string> = text(
  'a DID URL',
  (value) => isUri(value) && /^did:[a-z0-9]+:(?:[\w.%-]+:)*[\w.%-]+(?:[/?#].*)?$/.test(value),
)

/** RFC 5322 addr-spec, and RFC 6532's with other letters. Quoted local parts pass, display names do not. */
export const addrSpec: Check<string> = text('an e-mail address (RFC 5322 addr-spec)', (value) =>
  addrSpecPattern.test(value),
)

/** E.164 number with its `+` and no separators. */
export const e164: Check<string> = text('an E.164 number: "+" and up to 15 digits, no spaces', (value) =>
  /^\+[1-9]\d{1,14}$/.test(value),
)

/** RFC 7519 StringOrURI that is not empty: what holds a colon must be a URI. */
export const stringOrUri: Check<string> = text(
  'a string that is not empty, and a URI if it holds a colon (RFC 7519 §2)',
  (value) => value !== '' && (!value.includes(':') || isUri(value)),
)

/** IPv4 or IPv6 address in text form. */
export const ipAddress: Check<string> = text('an IPv4 or IPv6 address', (value) => isIP(value) !== 0)

const uriPattern = /^[a-z][a-z0-9+.-]*:(?:[\w.~:/?#[\]@!$&'()*+,;=-]|%[0-9a-f]{2})+$/i

const atom = String.raw`[^\s\p{Cc}()<>[\]:;@\\,."]+`
const dotAtom = String.raw`${atom}(?:\.${atom})*`
const quoted = String.raw`"(?:[^"\\\p{Cc}]|\\[^\p{Cc}])*"`
const literal = String.raw`\[[^\s[\]\\\p{Cc}]+\]`
const addrSpecPattern = new RegExp(`^(?:${dotAtom}|${quoted})@(?:${dotAtom}|${literal})$`, 'u')
