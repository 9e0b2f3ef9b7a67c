import { randomBytes } from 'node:crypto'

/**
 * Makes an identifier for one SET: 32 lower-case hex digits, twelve of them the time in milliseconds, the others 80 random
 * bits. So the SETs of one moment are next to each other in an index, which costs little however long it grows. When it was
 * made is no secret: `iat` says so.
 */
export function newJti(): string {
  return Date.now().toString(16).padStart(12, '0') + randomBytes(10).toString('hex')
}
