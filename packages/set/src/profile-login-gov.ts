import { isObject, type Place } from './check.ts'
import type { JsonObject } from './json.ts'
import type { Profile } from './profile.ts'
import type { SubjectIdentifier } from './subject.ts'
import { readSubject } from './validate-subject.ts'

const section = 'login.gov security events'
const lifetimeSeconds = 12 * 60 * 60
const clockToleranceSeconds = 60

/** login.gov's dialect, older than SSF: the subject nested in the event under `subject_type`, and an `exp`. */
export const loginGov: Profile = {
  write({ iss, iat, jti, aud, subject, event }, place) {
    const nested = writeSubject(subject, place.member('subject', section))
    if (nested === undefined) return undefined
    const events = { [event.uri]: { subject: nested, ...event.claims } }
    return { iss, iat, exp: iat + lifetimeSeconds, jti, aud, events }
  },

  read({ exp, events }, place, now) {
    const at = place.under(section)
    if (exp !== undefined && !(typeof exp === 'number' && exp + clockToleranceSeconds > now)) {
      at.member('exp').refuse('must be a number of seconds that has not passed')
    }
    const [[uri, event] = [], ...others] = Object.entries(events)
    if (uri === undefined || event === undefined || others.length > 0) {
      return at.member('events').refuse('must hold exactly one event')
    }
    const { subject: nested, ...claims } = event
    const subject = readNested(nested, at.member('events').member('*').member('subject'))
    return subject && { subject, events: { [uri]: claims } }
  },
}

function writeSubject(subject: SubjectIdentifier, place: Place): JsonObject | undefined {
  switch (subject.format) {
    case 'iss_sub':
      return { subject_type: 'iss-sub', iss: subject.iss, sub: subject.sub }
    case 'email':
      return { subject_type: 'email', email: subject.email }
    default:
      return place.member('format').refuse('must be iss_sub or email: profile login.gov knows no other')
  }
}

function readNested(nested: unknown, place: Place): SubjectIdentifier | undefined {
  if (!isObject(nested)) return place.refuse('must be an object')
  const { subject_type, ...members } = nested
  if (subject_type !== 'iss-sub' && subject_type !== 'email') {
    return place.member('subject_type').refuse('must be "iss-sub" or "email"')
  }
  return readSubject({ format: subject_type === 'email' ? 'email' : 'iss_sub', ...members }, place)
}
