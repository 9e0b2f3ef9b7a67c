import type { CredentialBinding } from './credential-binding.ts'
import type { CredentialKeys } from './credential-keys.ts'
import { type CredentialSources, parseReference, readReference } from './credential-reference.ts'
import { createRecent } from './recent.ts'
import { type OpenedCredential, openSealed, unavailable } from './sealed-credential.ts'

/** Opens the credentials of streams as they are stored: sealed, or as references. */
export interface CredentialReader {
  /**
   * Never rejects. What is known already is returned at once, without a promise: a worker asks for each delivery.
   *
   * @param stored the column, as the row of the stream has it now
   */
  read(stored: string, binding: CredentialBinding): OpenedCredential | Promise<OpenedCredential>
}

/** What credentials are opened by. */
export interface CredentialMeans {
  readonly keys: CredentialKeys
  readonly sources: CredentialSources
  /** A monotonic clock, in milliseconds. */
  readonly now?: () => number
}

interface Kept {
  readonly stored: string
  readonly origins: string
  readonly opened: OpenedCredential | Promise<OpenedCredential>
  readonly until: number
}

/** For so long a changed file is not noticed, nor that a missing one is there by now. */
const REFERENCE_KEPT_MS = 2000

/**
 * Keeps what is opened in memory alone: one value a column, as long as its text stays and somebody asks for it. However
 * many ask at once, each is opened once.
 */
export function createCredentialReader({
  keys,
  sources,
  now = () => performance.now(),
}: CredentialMeans): CredentialReader {
  const uses = { credential: createRecent<Kept>(now), client_private_key: createRecent<Kept>(now) }

  return {
    read(stored, binding) {
      const { streamId, use, origins } = binding
      const known = uses[use].get(streamId)
      if (known !== undefined && known.stored === stored && known.origins === origins && now() < known.until) {
        return known.opened
      }
      const until = parseReference(stored) === undefined ? Number.POSITIVE_INFINITY : now() + REFERENCE_KEPT_MS
      const opened = openCredential(stored, binding, { keys, sources })
      const kept = { stored, origins, opened, until }
      uses[use].set(streamId, kept)
      void opened.then((value) => {
        if (uses[use].get(streamId) === kept) uses[use].set(streamId, { ...kept, opened: value })
      })
      return opened
    },
  }
}

/** Opens a credential, keeping nothing. Never rejects. */
export async function openCredential(
  stored: string,
  binding: CredentialBinding,
  { keys, sources }: CredentialMeans,
): Promise<OpenedCredential> {
  const reference = parseReference(stored)
  if (reference === undefined) return openSealed(stored, binding, keys)
  return reference.origins === binding.origins ? readReference(reference, sources) : unavailable('bound_elsewhere')
}
