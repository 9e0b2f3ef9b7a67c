import { answerJson } from './json-document.ts'
import { publicJwks } from './public-jwks.ts'
import type { SigningKeys } from './signing-keys.ts'

/** How the published key set is served. */
export interface JwksDocumentOptions {
  /**
   * How long a cache may keep the key set. Default: 300. A new key must have been published for as long before it signs,
   * and an old one stays published until its last SET is settled.
   */
  readonly maxAgeSeconds?: number
}

/**
 * Makes the handler that publishes the key set at the `jwks_uri`; given a function, it publishes what that gives at the
 * time, so that keys rotate without a restart.
 */
export function jwksDocument(
  keys: SigningKeys | (() => SigningKeys),
  { maxAgeSeconds = 300 }: JwksDocumentOptions = {},
): (request: Request) => Response {
  return (request) => answerJson(request, publicJwks(typeof keys === 'function' ? keys() : keys), maxAgeSeconds)
}
