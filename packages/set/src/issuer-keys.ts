import { type CompactVerifyGetKey, createLocalJWKSet, createRemoteJWKSet, errors, type JWK } from 'jose'
import { InvalidOptionsError, RiscError } from './error.ts'
import { InvalidSetError, JwksUnavailableError } from './invalid-set.ts'
import { isSecureUrl, secureUrlProblem } from './secure-url.ts'

/**
 * Where an issuer's keys come from: its JWK set, the URL of it, or a key resolver of jose's. From a URL the set is kept
 * for ten minutes and fetched anew for an unknown `kid`, at most every thirty seconds.
 */
export type IssuerKeys = URL | { readonly keys: readonly JWK[] } | CompactVerifyGetKey

/** The resolver for `keys`, whose failures tell a key that is not the issuer's from a set that cannot be had. */
export function keyResolver(keys: IssuerKeys): CompactVerifyGetKey {
  const resolve = resolverOf(keys)
  return async (header, token) => {
    try {
      return await resolve(header, token)
    } catch (error) {
      if (error instanceof RiscError) throw error
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
        throw new InvalidSetError('invalid_key', 'The header names no single key of the issuer', { cause: error })
      }
      throw new JwksUnavailableError(error)
    }
  }
}

// One fetched set per URL in the process, however often verifySet is called with it.
const remoteSets = new Map<string, CompactVerifyGetKey>()

function resolverOf(keys: IssuerKeys): CompactVerifyGetKey {
  if (typeof keys === 'function') return keys
  if (!(keys instanceof URL)) return createLocalJWKSet({ keys: [...keys.keys] })
  if (!isSecureUrl(keys.href)) throw new InvalidOptionsError([secureUrlProblem('jwks')])
  const known = remoteSets.get(keys.href) ?? createRemoteJWKSet(keys)
  remoteSets.set(keys.href, known)
  return known
}
