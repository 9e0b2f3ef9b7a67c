import type { Problem } from './error.ts'

/** Whether `value` is an `https:` URL, or an `http:` one of this very machine for development. */
export function isSecureUrl(value: unknown): boolean {
  const url = typeof value === 'string' ? URL.parse(value) : null
  if (url === null) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && loopback.test(url.hostname))
}

/** The problem of a URL that is not secure. */
export function secureUrlProblem(path: string): Problem {
  return { path, message: 'must be an https: URL (http: on loopback only)', section: 'SSF 1.0 §7.1' }
}

const loopback = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/
