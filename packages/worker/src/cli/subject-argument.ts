import { InvalidEventError, type SubjectIdentifier, validateSubject } from 'risc-set'
import { MisuseError } from './command-error.ts'

/**
 * Reads a subject identifier of RFC 9493 as JSON, or an e-mail address.
 *
 * @throws {@link MisuseError} that never quotes it.
 */
export function readSubjectArgument(text: string): SubjectIdentifier {
  const given = text.trim()
  if (!given.startsWith('{')) return validate({ format: 'email', email: given }, NEITHER)
  return validate(parse(given))
}

const NEITHER = '--subject is neither an e-mail address nor a JSON object such as {"format":"opaque","id":"…"}'

function validate(subject: unknown, problem?: string): SubjectIdentifier {
  try {
    return validateSubject(subject)
  } catch (error) {
    if (!(error instanceof InvalidEventError)) throw error
    const problems = error.problems.map(({ path, message }) => `${path} ${message}`)
    throw new MisuseError(problem ?? `--subject is no subject identifier (RFC 9493): ${problems.join('; ')}`)
  }
}

/** The message of JSON.parse holds a part of the text. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new MisuseError('--subject is not JSON')
  }
}
