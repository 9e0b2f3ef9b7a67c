import type { Refusal } from './answer.ts'

const LONGEST_DESCRIPTION = 300
const EMAIL = /[^\s@<>"']{1,64}(@|%40)[^\s@<>"']{1,255}/gi
const TOKEN = /[\w-]{20,}(\.[\w-]+)*/g

/**
 * Reads the body of a 400 (RFC 8935 §2.3). `undefined` when it is not JSON with an `err`.
 *
 * Receivers quote what they were sent. Before anybody stores it, the description is bounded and loses control
 * characters, whatever looks like an e-mail address or a token, every string that the SET itself says, and the credential.
 * What an encrypted SET says cannot be known here, so of its receiver's words nothing is kept but `err`.
 */
export function readRefusal(body: string, signedSet: string, authorization?: string): Refusal | undefined {
  const value = parse(body)
  if (typeof value !== 'object' || value === null || !('err' in value) || typeof value.err !== 'string')
    return undefined
  const text = 'description' in value && typeof value.description === 'string' ? value.description : ''
  const description = isEncrypted(signedSet) ? '' : clean(text, [...credentialOf(authorization), ...saidBy(signedSet)])
  return { err: value.err, ...(description !== '' && { description }) }
}

/** Without its scheme (RFC 9110 §11.4), a word that may be said; whole and in its parts, those of Basic decoded (RFC 7617). */
function credentialOf(authorization: string | undefined): string[] {
  if (authorization === undefined) return []
  const [, scheme = '', value = authorization] = /^(\S+) +(.*)$/.exec(authorization) ?? []
  const pair = scheme.toLowerCase() === 'basic' ? Buffer.from(value, 'base64').toString() : ''
  const [user = '', ...password] = pair.split(':')
  return [value, pair, user, password.join(':'), ...value.split(/[\s,;="']+/)]
}

/** A compact JWE has five parts (RFC 7516 §7.1), a JWS three. */
const isEncrypted = (set: string): boolean => set.split('.').length === 5

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function clean(text: string, said: readonly string[]): string {
  const spelt = said.flatMap((value) => [plain(value), encodeURIComponent(value)]).filter((value) => value.length > 3)
  const quoted = new RegExp(spelt.map(literal).join('|') || '(?!)', 'giu')
  return plain(text)
    .replace(quoted, '[…]')
    .replace(EMAIL, '[e-mail]')
    .replace(TOKEN, '[token]')
    .trim()
    .slice(0, LONGEST_DESCRIPTION)
    .toWellFormed()
}

const plain = (text: string): string => text.replace(/\p{C}+/gu, ' ')

const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')

/** Every string in the SET's claims, the longest first; short ones would take the sense out of any sentence. */
function saidBy(signedSet: string): string[] {
  const [, payload = ''] = signedSet.split('.')
  const strings = new Set<string>()
  collect(parse(Buffer.from(payload, 'base64url').toString()), strings)
  return [...strings].filter((value) => value.length > 3 && value.isWellFormed()).sort((a, b) => b.length - a.length)
}

function collect(value: unknown, strings: Set<string>): void {
  if (typeof value === 'string') strings.add(value)
  else if (typeof value === 'object' && value !== null)
    for (const member of Object.values(value)) collect(member, strings)
}
