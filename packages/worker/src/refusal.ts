import type { Refusal } from './answer.ts'

const LONGEST_DESCRIPTION = 300
const EMAIL = /[^\s@<>"']+@[^\s@<>"']+/g
const TOKEN = /[\w-]{20,}(\.[\w-]+)*/g

/**
 * Reads the body of a 400 (RFC 8935 §2.3). `undefined` when it is not JSON with an `err`.
 *
 * Receivers reflect what they were sent: the description is bounded, loses control characters, and whatever looks like
 * an e-mail address or a token, before anybody stores it.
 */
export function readRefusal(body: string): Refusal | undefined {
  const value = parse(body)
  if (typeof value !== 'object' || value === null || !('err' in value) || typeof value.err !== 'string')
    return undefined
  const description = 'description' in value && typeof value.description === 'string' ? clean(value.description) : ''
  return { err: value.err, ...(description !== '' && { description }) }
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

function clean(text: string): string {
  return text
    .replace(/\p{C}+/gu, ' ')
    .replace(EMAIL, '[e-mail]')
    .replace(TOKEN, '[token]')
    .trim()
    .slice(0, LONGEST_DESCRIPTION)
    .replace(/[\uD800-\uDBFF]$/, '')
}
