import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose'
import type { CredentialBinding } from './credential-binding.ts'
import { type CredentialKey, type CredentialKeys, isKeyId } from './credential-keys.ts'

/** What came of opening a stored credential. */
export type OpenedCredential = Opened | Unavailable<CredentialCause>

/** A credential as it is to be sent. */
export interface Opened {
  readonly kind: 'opened'
  readonly value: string
}

/** That there is none. */
export interface Unavailable<Cause extends CredentialCause> {
  readonly kind: 'unavailable'
  readonly cause: Cause
}

/** Why a credential cannot be had, in words that hold nothing of it. */
export type CredentialCause = SealedCause | 'not_configured' | 'not_found' | 'not_readable' | 'not_usable'

/** Why what is sealed cannot be opened. */
export type SealedCause = 'no_such_key' | 'not_authentic' | 'bound_elsewhere'

/**
 * Seals a credential: a compact JWE (RFC 7516 §7.1), encrypted directly with A256GCM (RFC 7518 §4.5, §5.3). Its protected header,
 * which is authenticated and not encrypted, says what it is good for.
 */
export function sealCredential(value: string, binding: CredentialBinding, key: CredentialKey): Promise<string> {
  const { streamId, use, origins } = binding
  return new CompactEncrypt(Buffer.from(value))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: key.kid, stream: streamId, use, origins })
    .encrypt(key.secret)
}

/**
 * Opens what {@link sealCredential} made, with the key that it names and for the same binding alone. Never rejects.
 *
 * @param binding without `origins`, whichever it was sealed for: not to be sent, but to be sealed anew
 */
export async function openSealed(
  sealed: string,
  binding: Omit<CredentialBinding, 'origins'> & Partial<CredentialBinding>,
  keys: CredentialKeys,
): Promise<Opened | Unavailable<SealedCause>> {
  const kid = kidOf(sealed)
  if (kid === undefined) return unavailable('not_authentic')
  const key = keys.find(kid)
  if (key === undefined) return unavailable('no_such_key')
  if (!isCanonical(sealed)) return unavailable('not_authentic')
  try {
    const { plaintext, protectedHeader } = await compactDecrypt(sealed, key.secret, {
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
    })
    const { stream, use, origins } = protectedHeader
    const isTheirs = stream === binding.streamId && use === binding.use
    const isBound = isTheirs && (binding.origins === undefined || origins === binding.origins)
    return isBound ? { kind: 'opened', value: Buffer.from(plaintext).toString() } : unavailable('bound_elsewhere')
  } catch {
    return unavailable('not_authentic')
  }
}

/** Which key a sealed credential says that it needs; `undefined` if it is none. */
export function kidOf(sealed: string): string | undefined {
  try {
    const { kid } = decodeProtectedHeader(sealed)
    return typeof kid === 'string' && isKeyId(kid) ? kid : undefined
  } catch {
    return undefined
  }
}

/** Which origins a sealed credential says that it may be sent to: to be believed once it has been opened. */
export function originsIn(sealed: string): string {
  const { origins } = decodeProtectedHeader(sealed)
  return typeof origins === 'string' ? origins : ''
}

/** The last letter of a part has bits to spare, which decoders pass over. */
function isCanonical(sealed: string): boolean {
  return sealed.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)
}

/** Tells that there is no credential, and why. */
export function unavailable<Cause extends CredentialCause>(cause: Cause): Unavailable<Cause> {
  return { kind: 'unavailable', cause }
}
