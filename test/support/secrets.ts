/** What nothing that is printed, logged or served may hold. */
export type Secret = keyof typeof SIGNS

/**
 * What gives a secret away: its shape, or the value that the tests use for it. Each also as it stands in a string within
 * JSON.
 */
const SIGNS = {
  SET: /\beyJ[\w-]{8,}\.[\w-]*\.[\w-]+|\bhead\.[^\s"]*\.(?:\d+|sig\w*)\b/,
  'private key': /-----BEGIN [A-Z ]*PRIVATE KEY-----|\\*"(?:d|p|q|dp|dq|qi)\\*": *\\*"[\w-]{20,}/,
  'symmetric key': /\\*"k\\*": *\\*"[\w-]{22,}\\*"/,
  credential: /hunter2|s3cret/,
  subject:
    /\\*"format\\*": *\\*"(?:account|aliases|complex|did|email|ip-addresses|iss_sub|jwt_id|opaque|phone_number|saml_assertion_id|uri)\\*", *\\*"[\w-]+\\*": *(?!\\*"…)/,
  // Not what stands before the host of a URL.
  'e-mail address': /(?<![:/\w.%+-])[\w.%+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)*\.example\b/i,
} as const

/** Names the kinds of secrets that `text` gives away. */
export function findSecrets(text: string): Secret[] {
  return (Object.keys(SIGNS) as Secret[]).filter((secret) => SIGNS[secret].test(text))
}
