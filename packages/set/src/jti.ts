import { randomBytes } from 'node:crypto'

/** Makes an identifier for one SET: 128 random bits as 32 lower-case hex digits. */
export function newJti(): string {
  return randomBytes(16).toString('hex')
}
