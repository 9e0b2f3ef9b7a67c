import type { Profile } from './profile.ts'
import { readSubject } from './validate-subject.ts'

/** SSF 1.0 with RISC 1.0 and CAEP 1.0: the subject in `sub_id`, no `exp`. */
export const ssf: Profile = {
  write({ iss, iat, jti, aud, txn, subject, event }) {
    return { iss, iat, jti, aud, txn, sub_id: subject, events: { [event.uri]: event.claims } }
  },

  read({ exp, sub_id, events }, place) {
    if (exp !== undefined) place.member('exp', 'SSF 1.0 §4.1.7').refuse('must not be present')
    if (sub_id === undefined) return place.member('sub_id', 'SSF 1.0 §3.1').refuse('is required')
    const subject = readSubject(sub_id, place.member('sub_id', 'RFC 9493 §3'))
    return subject && { subject, events }
  },
}
