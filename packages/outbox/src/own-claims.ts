import { InvalidSetError, type PublicJwk, type SetClaims, verifySet } from 'risc-set'

/** What a SET has to be for us to have written it. */
export interface OwnSet {
  readonly jti: string
  readonly issuer: string
  readonly publicKey: PublicJwk
}

/**
 * Reads the claims of a delivery's SET once its signature proves that they are ours, `undefined` if it does not: a worker
 * can write to `risc.deliveries`, and must not come by a signature that way. Whoever has the key as well still could.
 */
export async function readOwnClaims(signedSet: string, own: OwnSet): Promise<SetClaims | undefined> {
  const claims = parsePayload(signedSet)
  if (claims?.jti !== own.jti) return undefined
  try {
    await verifySet(signedSet, {
      issuer: own.issuer,
      audience: claims.aud,
      jwks: { keys: [own.publicKey] },
      profile: 'exp' in claims ? 'login.gov' : 'ssf', // what the one demands, the other forbids (SSF 1.0 §4.1.7)
      now: () => new Date(0), // said long ago, it is ours all the same
    })
    return claims
  } catch (error) {
    if (error instanceof InvalidSetError) return undefined
    throw error
  }
}

// Signing makes JSON of the claims anew. Where that does not give the same bytes, it was not us who wrote them.
function parsePayload(signedSet: string): SetClaims | null | undefined {
  const payload = signedSet.split('.')[1] ?? ''
  try {
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as SetClaims | null
    return Buffer.from(JSON.stringify(claims)).toString('base64url') === payload ? claims : undefined
  } catch {
    return undefined
  }
}
