import { exportJWK, type JWK } from 'jose'
import { filled, isObject, type Place } from './check.ts'
import { algorithmOf, algorithms, type SigningAlgorithm } from './key-algorithm.ts'
import { type KeyIdRule, keyId } from './key-id.ts'
import { importMembers, privateMembers, publicMembers, refuseWeak } from './key-material.ts'

/** The public half of a signing key as it is published. */
export interface PublicJwk extends JWK {
  readonly kid: string
  readonly alg: SigningAlgorithm
  readonly use: 'sig'
}

/** Signs bytes and gives the signature in its JWS form. */
export type SignBytes = (input: Uint8Array) => Promise<Uint8Array>

/** A checked key. */
export interface ReadKey {
  readonly jwk: PublicJwk
  readonly verify: (input: Uint8Array, signature: Uint8Array) => Promise<boolean>
  /** Absent where the private half is. */
  readonly sign?: SignBytes
}

type Fields = Readonly<Record<string, unknown>>

/** Imports a JWK and checks its kind, its strength and that its halves belong together; notes problems at `place`. */
export async function readKey(jwk: unknown, rule: KeyIdRule, place: Place): Promise<ReadKey | undefined> {
  if (!isObject(jwk)) return place.refuse('must be a JWK object')
  if (jwk['use'] !== undefined && jwk['use'] !== 'sig') place.member('use').refuse('must be "sig"')
  const alg = algorithmOf(jwk, place)
  if (alg === undefined) return undefined
  const half = await readPublicHalf(jwk, alg, rule, place)
  if (half === undefined || jwk['d'] === undefined) return half

  const key = await importMembers(jwk, [...publicMembers, ...privateMembers], alg)
  if (key === undefined) return place.under('RFC 7518 §6').refuse('must have well-formed private members')
  const sign = async (input: Uint8Array) =>
    new Uint8Array(await crypto.subtle.sign(algorithms[alg].webCrypto, key, input))
  const matches = await belongTogether(sign, half.verify).catch(() => false)
  return matches ? { ...half, sign } : place.refuse('must have a private half that matches the public one')
}

/** Whether what `sign` makes is what `verify` accepts. */
export async function belongTogether(sign: SignBytes, verify: ReadKey['verify']): Promise<boolean> {
  const probe = crypto.getRandomValues(new Uint8Array(32))
  return verify(probe, await sign(probe))
}

async function readPublicHalf(
  jwk: Fields,
  alg: SigningAlgorithm,
  rule: KeyIdRule,
  place: Place,
): Promise<ReadKey | undefined> {
  const key = await importMembers(jwk, publicMembers, alg)
  if (key === undefined) return place.under('RFC 7518 §6').refuse('must have well-formed public members')
  refuseWeak(key, place.under('RFC 7518 §3.3'))
  const bare = await exportJWK(key)
  const kid = await readKeyId(jwk, bare, rule, place.member('kid'))
  if (kid === undefined) return undefined
  return {
    jwk: { ...bare, kid, alg, use: 'sig' },
    verify: (input, signature) => crypto.subtle.verify(algorithms[alg].webCrypto, key, signature, input),
  }
}

async function readKeyId(jwk: Fields, bare: JWK, rule: KeyIdRule, place: Place): Promise<string | undefined> {
  if (jwk['kid'] !== undefined) return filled(jwk['kid'], place)
  return (await keyId(bare, rule)) ?? place.refuse(`must be given: the rule "${rule}" names RSA keys only`)
}
