import { decodeProtectedHeader } from 'jose'
import type { DecryptionKey, DecryptionKeys } from './decryption-keys.ts'
import { contentEncryption } from './encryption-algorithm.ts'
import { InvalidSetError } from './invalid-set.ts'

/** How SETs come encrypted. */
export interface DecryptionOptions {
  readonly keys: DecryptionKeys
  /** Refuses SETs that are signed alone. Default: false, for the time until the issuer encrypts. */
  readonly required?: boolean
}

/** Takes the signed SET out of a body that may be encrypted (RFC 7519 §7.2), and refuses what was not agreed on. */
export async function decryptSet(body: string, decryption: DecryptionOptions | undefined): Promise<string> {
  if (!encrypted.test(body)) {
    if (decryption?.required) throw new InvalidSetError('invalid_request', 'The SET must be encrypted')
    return body
  }
  if (decryption === undefined) throw new InvalidSetError('invalid_request', 'Encrypted SETs are not accepted here')
  const key = chooseKey(readHeader(body), decryption.keys.keys)
  try {
    return await key.decrypt(body)
  } catch (error) {
    throw new InvalidSetError('invalid_key', 'The SET cannot be decrypted', { cause: error })
  }
}

// With ECDH-ES alone the second part is empty (RFC 7518 §4.6).
const encrypted = /^[\w-]+\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+$/

type Header = ReturnType<typeof decodeProtectedHeader>

function readHeader(jwe: string): Header {
  let header: Header
  try {
    header = decodeProtectedHeader(jwe)
  } catch {
    throw new InvalidSetError('invalid_request', 'The body is not a compact JWE: the header cannot be read')
  }
  const { typ, cty, enc, crit, zip } = header as Readonly<Record<string, unknown>>
  if (typ !== undefined && mediaType(typ) !== 'secevent+jwt') {
    throw new InvalidSetError('invalid_request', 'typ of the JWE must be secevent+jwt (RFC 8725 §3.11)')
  }
  if (mediaType(cty) !== 'jwt') throw new InvalidSetError('invalid_request', 'cty must be JWT (RFC 7519 §5.2)')
  if (enc !== contentEncryption) throw new InvalidSetError('invalid_request', `enc must be ${contentEncryption}`)
  // A few bytes can decompress to more than memory holds.
  if (zip !== undefined) throw new InvalidSetError('invalid_request', 'zip is not supported')
  if (crit !== undefined) throw new InvalidSetError('invalid_request', 'crit is not supported')
  return header
}

function chooseKey({ kid, alg }: Header, keys: readonly DecryptionKey[]): DecryptionKey {
  const fitting = keys.filter((key) => key.alg === alg && (kid === undefined || kid === key.kid))
  const [key] = fitting
  if (key === undefined || fitting.length > 1) {
    throw new InvalidSetError('invalid_key', 'kid and alg of the JWE name no single key of the receiver')
  }
  return key
}

function mediaType(value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase().replace(/^application\//, '') : value
}
