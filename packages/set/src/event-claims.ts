import { type Check, filled, isObject, text } from './check.ts'
import { type AgreedValue, oneOfOrAgreed } from './choice.ts'

/** Text by BCP 47 language tag, as in `{ en: 'Too many attempts' }` (CAEP 1.0 §2); at least one. */
export interface TextByLanguage {
  readonly [languageTag: string]: string
}

/** The kind of a credential (CAEP 1.0 §3.3). */
export type CredentialType =
  | 'password'
  | 'pin'
  | 'x509'
  | 'fido2-platform'
  | 'fido2-roaming'
  | 'fido-u2f'
  | 'verifiable-credential'
  | 'phone-voice'
  | 'phone-sms'
  | 'app'
  | AgreedValue

/** Checks for a {@link CredentialType}. */
export const credentialType: Check<CredentialType> = oneOfOrAgreed(
  'password',
  'pin',
  'x509',
  'fido2-platform',
  'fido2-roaming',
  'fido-u2f',
  'verifiable-credential',
  'phone-voice',
  'phone-sms',
  'app',
)

/** Checks for a NumericDate: seconds since 1970 as a JSON number. */
export const seconds: Check<number> = (value, place) => {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    return place.refuse('must be a JSON number of seconds since 1970')
  }
  return value < earliestMilliseconds ? value : place.refuse('must be seconds, not milliseconds')
}

// As seconds this is the year 5138, as milliseconds 1973.
const earliestMilliseconds = 1e11

/** Checks for a {@link TextByLanguage}. */
export const textByLanguage: Check<TextByLanguage> = (value, place) => {
  if (!isObject(value)) return place.refuse('must be an object of texts by language tag, as in { en: … }')
  const texts = Object.entries(value)
  if (texts.length === 0) return place.refuse('must hold a text in at least one language')
  return Object.fromEntries(
    texts.map(([tag, said]) => {
      const at = place.member(tag)
      if (!languageTag.test(tag)) at.refuse('must be named by a BCP 47 language tag, as in "en" or "pt-BR"')
      return [tag, storable(said, at) ?? '']
    }),
  )
}

const storable = text()

const languageTag = /^(?:[A-Za-z]{2,8}|x)(?:-[A-Za-z0-9]{1,8})*$/

/** Checks for an array of strings that are not empty. */
export const texts: Check<readonly string[]> = (value, place) => {
  if (!Array.isArray(value)) return place.refuse('must be an array of strings')
  return Array.from(value, (one, index) => filled(one, place.element(index)) ?? '')
}
