import { isObject, Place } from './check.ts'
import { InvalidKeysError, type Problem } from './error.ts'
import { atMost } from './in-flight.ts'
import type { SigningAlgorithm } from './key-algorithm.ts'
import type { KeyIdRule } from './key-id.ts'
import { belongTogether, type PublicJwk, type ReadKey, readKey, type SignBytes } from './read-key.ts'

/** The key that signs. */
export interface SigningKey {
  readonly kid: string
  readonly alg: SigningAlgorithm
  readonly sign: SignBytes
}

/** A checked key set: the key that signs, and the public half of every key with the signing one first. */
export interface SigningKeys {
  readonly active: SigningKey
  readonly published: readonly PublicJwk[]
}

/** Signs outside the process, in a KMS or an HSM, and gives the JWS form of the signature: for ECDSA r‖s, not DER. */
export type Signer = (input: Uint8Array, key: Pick<SigningKey, 'kid' | 'alg'>) => Promise<Uint8Array>

/** How a key set is used. */
export interface SigningKeysOptions {
  /** The `kid` that signs. Default: the first key that can. */
  readonly active?: string
  /** How keys without a `kid` member get one. Default: `rfc7638`. */
  readonly kid?: KeyIdRule
  /** Signs in place of private keys; the key set then holds public keys alone. */
  readonly signer?: Signer
  /** How many calls of `signer` may be under way at a time. Default: 16. */
  readonly maxInFlight?: number
}

/**
 * Loads a JWK set (an object or its JSON text) to sign with. The first private key signs unless `active` names another;
 * further private keys are upcoming, public ones retired: all are published.
 *
 * Every private key signs once to prove that it matches its public half. RS256 and PS256 with at least 2048 bits, ES256,
 * ES384 and EdDSA are accepted.
 *
 * @example A key in a KMS
 * ```ts
 * const keys = await loadSigningKeys({ keys: [publicJwk] }, { signer: (input) => kms.sign(input) })
 * ```
 * @throws {@link InvalidKeysError} listing every problem, with no key material in it.
 */
export async function loadSigningKeys(
  jwks: string | { readonly keys: readonly object[] },
  options: SigningKeysOptions = {},
): Promise<SigningKeys> {
  const problems: Problem[] = []
  const place = new Place('', 'RFC 7517 §5', problems)
  const keys = await readKeys(jwks, options, place)
  const chosen = problems.length === 0 ? choose(keys, options, place) : undefined
  const active = chosen && (await activate(chosen, options, place))
  if (active === undefined) throw new InvalidKeysError(problems)
  const rank = ({ kid }: PublicJwk) => (kid === active.kid ? 0 : 1)
  return { active, published: keys.map(({ jwk }) => jwk).sort((a, b) => rank(a) - rank(b)) }
}

async function readKeys(jwks: unknown, options: SigningKeysOptions, place: Place): Promise<readonly ReadKey[]> {
  const set = typeof jwks === 'string' ? parse(jwks) : jwks
  const entries = isObject(set) ? set['keys'] : undefined
  const list = place.member('keys')
  const keys: ReadKey[] = []
  if (!Array.isArray(entries) || entries.length === 0) list.refuse('must be an array of at least one JWK')
  else {
    for (const [index, entry] of entries.entries()) {
      const at = list.element(index)
      const key = await readKey(entry, options.kid ?? 'rfc7638', at)
      if (key === undefined) continue
      refuseRepeated(key.jwk, keys, at)
      if (key.sign && options.signer) at.refuse('must be a public key, as a signer is given')
      keys.push(key)
    }
  }
  return keys
}

// The error of JSON.parse quotes the text, so it is dropped.
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function refuseRepeated(jwk: PublicJwk, earlier: readonly ReadKey[], place: Place): void {
  const material = ({ n, x }: PublicJwk) => n ?? x
  if (earlier.some((key) => key.jwk.kid === jwk.kid)) place.member('kid').refuse('must not repeat')
  if (earlier.some((key) => material(key.jwk) === material(jwk))) {
    place.under('RFC 8725 §3.1').refuse('must not repeat a key: one key has one algorithm')
  }
}

function choose(keys: readonly ReadKey[], { active, signer }: SigningKeysOptions, place: Place): ReadKey | undefined {
  const able = keys.filter((key) => signer || key.sign)
  if (active === undefined) return able[0] ?? place.member('keys').refuse('must hold a private key')
  return able.find(({ jwk }) => jwk.kid === active) ?? place.member('active').refuse('must name a key that can sign')
}

async function activate(
  { jwk: { kid, alg }, verify, sign }: ReadKey,
  { signer, maxInFlight = 16 }: SigningKeysOptions,
  place: Place,
): Promise<SigningKey | undefined> {
  if (!signer) return sign && { kid, alg, sign }
  if (!Number.isInteger(maxInFlight) || maxInFlight < 1) return place.member('maxInFlight').refuse('must be at least 1')
  const remote = atMost(maxInFlight, async (input: Uint8Array) => signer(input, { kid, alg }))
  if (await belongTogether(remote, verify)) return { kid, alg, sign: remote }
  return place.member('signer').refuse(`must give ${alg} signatures of the active key in JWS form`)
}
