import { InvalidSetError, type PublicJwk, type SetClaims, verifySet } from 'risc-set'
import { UnverifiedSetError } from './errors.ts'

/** Who is to have signed a SET. */
export interface OwnKey {
  readonly issuer: string
  readonly publicKey: PublicJwk
}

/**
 * Reads the claims of a delivery's SET once its signature proves that they are ours: a worker can write to
 * `risc.deliveries`, and must not come by a signature that way.
 *
 * @throws {@link UnverifiedSetError}
 */
export async function readOwnClaims(jti: string, signedSet: string, own: OwnKey): Promise<SetClaims> {
  const claims = parsePayload(signedSet)
  if (claims === undefined) throw new UnverifiedSetError(jti)
  try {
    await verifySet(signedSet, {
      issuer: own.issuer,
      audience: claims.aud,
      jwks: { keys: [own.publicKey] },
      profile: 'exp' in claims ? 'login.gov' : 'ssf', // what the one demands, the other forbids (SSF 1.0 §4.1.7)
      now: () => new Date(0), // said long ago, it is ours all the same
    })
    return claims
  } catch (cause) {
    if (!(cause instanceof InvalidSetError)) throw cause
    throw new UnverifiedSetError(jti, { cause })
  }
}

// The error of JSON.parse quotes the text, so it is dropped.
function parsePayload(signedSet: string): SetClaims | undefined {
  try {
    const payload: unknown = JSON.parse(Buffer.from(signedSet.split('.')[1] ?? '', 'base64url').toString())
    return typeof payload === 'object' ? ((payload ?? undefined) as SetClaims | undefined) : undefined
  } catch {
    return undefined
  }
}
