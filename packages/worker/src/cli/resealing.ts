import type { Kysely } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import type { CredentialKey, CredentialKeys } from '../credential-keys.ts'
import { parseReference } from '../credential-reference.ts'
import { kidOf, openSealed, type SealedCause, sealCredential } from '../sealed-credential.ts'
import { readStoredCredentials, replaceStored } from './queries/credentials.ts'

/** What sealing anew came to. */
export interface Resealing {
  readonly resealed: number
  readonly left: readonly LeftSealed[]
}

/** Credentials that are still sealed by another key, all of them by one and for one cause. */
export interface LeftSealed {
  readonly by: string | null
  readonly cause: SealedCause
  readonly count: number
  /** The first few. */
  readonly stream_ids: readonly string[]
}

/** What opens, and what seals. */
export interface ResealingKeys {
  readonly keys: CredentialKeys
  readonly active: CredentialKey
}

const STREAMS_NAMED = 5

/**
 * Seals with the active key what another one sealed. Each credential is replaced only as it was read: what somebody changes at
 * that moment stays as they made it, and is looked at again.
 */
export async function resealAll(db: Kysely<OutboxDatabase>, by: ResealingKeys): Promise<Resealing> {
  let resealed = 0
  for (;;) {
    const pass = await resealOnce(db, by)
    resealed += pass.resealed
    if (!pass.isOutrun) return { resealed, left: pass.left }
  }
}

async function resealOnce(db: Kysely<OutboxDatabase>, { keys, active }: ResealingKeys) {
  const left = new Map<string, LeftSealed>()
  let resealed = 0
  let isOutrun = false
  for await (const credential of readStoredCredentials(db, { enabledOnly: false })) {
    const { stored, binding } = credential
    const kid = kidOf(stored)
    if (kid === active.kid || parseReference(stored) !== undefined) continue
    const secret = await openSealed(stored, binding, keys)
    if (secret.kind === 'unavailable') {
      leave(left, binding.streamId, { by: kid ?? null, cause: secret.cause })
      continue
    }
    if (await replaceStored(db, credential, await sealCredential(secret.value, binding, active))) resealed++
    else isOutrun = true
  }
  return { resealed, isOutrun, left: [...left.values()] }
}

function leave(left: Map<string, LeftSealed>, streamId: string, why: Pick<LeftSealed, 'by' | 'cause'>): void {
  const group = `${why.cause} ${why.by}`
  const { count, stream_ids } = left.get(group) ?? { count: 0, stream_ids: [] }
  const named = stream_ids.length < STREAMS_NAMED ? [...stream_ids, streamId] : stream_ids
  left.set(group, { ...why, count: count + 1, stream_ids: named })
}
