import type { PublicJwk } from './read-key.ts'
import type { SigningKeys } from './signing-keys.ts'

/** A JWK set to publish. */
export interface PublicJwks {
  readonly keys: readonly PublicJwk[]
}

/** The JWK set that receivers verify with: the public half of every key, the signing one first. */
export function publicJwks(keys: SigningKeys): PublicJwks {
  return { keys: keys.published }
}
