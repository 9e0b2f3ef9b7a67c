import type { SetClaims } from './profile.ts'
import type { SigningKeys } from './signing-keys.ts'

/** A signed SET in JWS compact form, and the key that signed it. */
export interface SignedSet {
  readonly jwt: string
  readonly kid: string
}

/**
 * Signs claims as they stand: the payload is their JSON, member by member in their order.
 *
 * @throws what the signer of {@link SigningKeys} throws, unchanged.
 */
export async function signSet(claims: SetClaims, { active }: SigningKeys): Promise<SignedSet> {
  const { kid, alg, sign } = active
  const input = `${encode({ typ: 'secevent+jwt', kid, alg })}.${encode(claims)}`
  const signature = await sign(Buffer.from(input))
  return { jwt: `${input}.${Buffer.from(signature).toString('base64url')}`, kid }
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
