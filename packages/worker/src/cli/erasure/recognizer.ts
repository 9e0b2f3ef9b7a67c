import { domainToASCII, domainToUnicode } from 'node:url'
import type { SubjectIdentifier } from 'risc-set'
import { identifierKey } from './identifier-key.ts'
import { type Name, principals } from './names.ts'

/** Tells what is said of a person. */
export interface Recognizer {
  /** Whether a stream's receiver knows this very person as `subject`. */
  isKnownAs(subject: SubjectIdentifier, streamId: string): boolean
  /**
   * Whether a stream's receiver reads of this person anywhere in `value`: in an identifier at any depth, or, if it is an
   * e-mail address or a telephone number, in any text.
   */
  isIn(value: unknown, streamId: string): boolean
  /** What quotes the person where it is a word in what people say: any value of an identifier, the issuer's apart. */
  readonly words: readonly string[]
}

/** Makes what recognizes a person by `names`. */
export function createRecognizer(names: readonly Name[]): Recognizer {
  const keys = new Set(names.map(({ subject, streamId = '' }) => `${streamId} ${identifierKey(subject)}`))
  const patterns = names.flatMap(({ subject }) => textPatterns(subject))
  const inText = new RegExp(patterns.join('|') || '(?!)', 'iu')

  function isNamed(identifier: object, streamId: string): boolean {
    const key = identifierKey(identifier)
    return keys.has(` ${key}`) || keys.has(`${streamId} ${key}`)
  }

  return {
    isKnownAs: (subject, streamId) => principals(subject).some((principal) => isNamed(principal, streamId)),
    isIn: (value, streamId) =>
      someWithin(value, (part) =>
        typeof part === 'string'
          ? spellings(part).some((spelt) => inText.test(spelt))
          : isIdentifier(part) && isNamed(part, streamId),
      ),
    words: [...new Set(names.flatMap(({ subject }) => wordsOf(subject)))],
  }
}

/** Whether `test` holds for any string or object within a JSON value, the names of members included. */
function someWithin(value: unknown, test: (part: string | object) => boolean): boolean {
  const left = [value]
  while (left.length > 0) {
    const part = left.pop()
    if (typeof part === 'string' && test(part)) return true
    if (typeof part !== 'object' || part === null) continue
    if (test(part)) return true
    for (const member of Array.isArray(part) ? part : Object.entries(part).flat()) left.push(member)
  }
  return false
}

function isIdentifier(value: object): boolean {
  return 'format' in value || 'subject_type' in value
}

/** Patterns of what names somebody in a text, and is no part of another's longer address or number. */
function textPatterns(subject: SubjectIdentifier): string[] {
  switch (subject.format) {
    case 'email':
      return emailSpellings(subject.email).map((address) => `${ADDRESS_BEGINS}${literal(address)}${ADDRESS_ENDS}`)
    case 'phone_number':
      return [String.raw`${literal(subject.phone_number)}(?!\p{N})`]
    default:
      return []
  }
}

/** An apostrophe before an address is a quotation mark, unless it is in the middle of a word. */
const ADDRESS_BEGINS = String.raw`(?<![\p{L}\p{M}\p{N}._+-]['’]?)`
const ADDRESS_ENDS = String.raw`(?![\p{L}\p{M}\p{N}_-]|\.[\p{L}\p{N}])`

/** An address as it is, and with its domain as DNS and as people have it. */
function emailSpellings(address: string): string[] {
  const at = address.lastIndexOf('@')
  const domain = address.slice(at + 1)
  const domains = [domain, domainToASCII(domain), domainToUnicode(domain)].filter((spelt) => spelt !== '')
  return [...new Set(domains.map((spelt) => `${address.slice(0, at)}@${spelt}`.normalize('NFC')))]
}

/** A text as it is, and without its percent-encoding. */
function spellings(text: string): string[] {
  const decoded = text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (encoded) => {
    try {
      return decodeURIComponent(encoded)
    } catch {
      return encoded
    }
  })
  return (decoded === text ? [text] : [text, decoded]).map((spelt) => spelt.normalize('NFC'))
}

function wordsOf(subject: SubjectIdentifier): string[] {
  const { format: _format, iss: _iss, issuer: _issuer, ...own }: Readonly<Record<string, unknown>> = { ...subject }
  const values = subject.format === 'email' ? emailSpellings(subject.email) : Object.values(own).flat()
  return values.filter((value) => typeof value === 'string').flatMap((value) => [value, encodeURIComponent(value)])
}

const literal = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`)
