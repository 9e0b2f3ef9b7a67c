import { base64url, compactVerify, decodeProtectedHeader, errors } from 'jose'
import { isObject } from './check.ts'
import { type DecryptionOptions, decryptSet } from './decrypt-set.ts'
import { RiscError } from './error.ts'
import { InvalidSetError } from './invalid-set.ts'
import { type IssuerKeys, keyResolver } from './issuer-keys.ts'
import { algorithmNames } from './key-algorithm.ts'
import type { ProfileName } from './profiles.ts'
import { readClaims, type VerifiedSet } from './read-claims.ts'

/** Whose SETs to accept, and for whom. */
export interface VerifyOptions {
  /** The `iss` of the SETs, byte for byte. */
  readonly issuer: string
  /** The receiver's own name, or names: a SET must be for one of them. */
  readonly audience: string | readonly string[]
  readonly jwks: IssuerKeys
  /** Default: `ssf`. */
  readonly profile?: ProfileName
  /** Lets SETs come encrypted to a key of the receiver's own. Default: those are refused. */
  readonly decryption?: DecryptionOptions
  /** The clock that the `exp` of profile `login.gov` is held against. */
  readonly now?: () => Date
}

/**
 * Verifies a SET strictly by RFC 8417 §2, RFC 8725 and its profile, and decrypts it first where it is encrypted. That it is
 * says nothing of who wrote it: the signature within is verified all the same.
 *
 * @throws {@link InvalidSetError} with the code that RFC 8935 §2.4 has for the reason.
 * @throws {@link JwksUnavailableError} when the issuer's keys cannot be had, which says nothing about the SET.
 * @throws {@link InvalidOptionsError} when `jwks` is a URL that is not `https:`.
 */
export async function verifySet(body: string, options: VerifyOptions): Promise<VerifiedSet> {
  const jwt = await decryptSet(body, options.decryption)
  if (!compact.test(jwt)) throw new InvalidSetError('invalid_request', 'The body is not a compact JWS')
  refuseHeader(jwt)
  const claims = readPayload(jwt)
  // Before the signature: a stranger's SET costs no cryptography, and learns nothing but what it said itself.
  if (claims['iss'] !== options.issuer) throw new InvalidSetError('invalid_issuer', 'iss is not the expected issuer')
  await verifySignature(jwt, options.jwks)
  if (!isFor(claims['aud'], options.audience)) {
    throw new InvalidSetError('invalid_audience', 'aud does not name this receiver')
  }
  return readClaims(claims, options.profile ?? 'ssf', options.now?.() ?? new Date())
}

const compact = /^[\w-]+\.[\w-]+\.[\w-]*$/

function refuseHeader(jwt: string): void {
  const { typ, alg, crit } = parsed('the header', () => decodeProtectedHeader(jwt))
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ
  if (type !== 'secevent+jwt') throw new InvalidSetError('invalid_request', 'typ must be secevent+jwt (SSF 1.0 §4.1.1)')
  if (!algorithmNames.some((name) => name === alg)) {
    throw new InvalidSetError('invalid_request', `alg must be one of ${algorithmNames.join(', ')}`)
  }
  if (crit !== undefined) throw new InvalidSetError('invalid_request', 'crit is not supported')
}

function readPayload(jwt: string): Readonly<Record<string, unknown>> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const claims = parsed('the payload', (): unknown =>
    JSON.parse(decoder.decode(base64url.decode(jwt.split('.')[1] ?? ''))),
  )
  if (!isObject(claims)) throw new InvalidSetError('invalid_request', 'The payload is not a JSON object')
  return claims
}

// What the parsers throw may quote the SET, so it is no cause of the error.
function parsed<T>(part: string, parse: () => T): T {
  try {
    return parse()
  } catch {
    throw new InvalidSetError('invalid_request', `The body is not a compact JWS: ${part} cannot be read`)
  }
}

async function verifySignature(jwt: string, jwks: IssuerKeys): Promise<void> {
  try {
    await compactVerify(jwt, keyResolver(jwks), { algorithms: [...algorithmNames] })
  } catch (error) {
    if (error instanceof RiscError) throw error
    if (error instanceof errors.JWSInvalid)
      throw new InvalidSetError('invalid_request', 'The body is not a compact JWS')
    throw new InvalidSetError('invalid_key', "The signature does not verify with the issuer's key", { cause: error })
  }
}

function isFor(aud: unknown, audience: string | readonly string[]): boolean {
  const names = Array.isArray(aud) ? aud : [aud]
  return [audience].flat().some((name) => names.includes(name))
}
