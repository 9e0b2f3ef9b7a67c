import type { Answer } from './answer.ts'
import type { ClaimedDelivery } from './claim.ts'
import type { WantedToken } from './oauth-token.ts'
import type { Tokens } from './oauth-tokens.ts'
import type { Unlocked } from './unlocked-delivery.ts'

/** What pushing with an access token takes. */
export interface TokenSteps {
  readonly getToken: () => ReturnType<Tokens['get']>
  readonly push: (authorization: string) => Promise<Answer>
  /** Whether it is too late to begin a push. */
  readonly isStale: () => boolean
}

/**
 * Pushes with an access token (RFC 6750 §2.1). A kept one that the receiver does not take may have been revoked: then once
 * more, with a fresh one, as part of the same attempt.
 */
export async function pushWithToken({ getToken, push, isStale }: TokenSteps): Promise<Answer> {
  const first = await getToken()
  if (first.kind !== 'token') return first
  if (isStale()) return { kind: 'aborted' }
  const answer = await push(`Bearer ${first.token}`)
  if (first.isFresh || !refusesToken(answer)) return answer
  first.drop()
  const second = await getToken()
  if (second.kind !== 'token') return second
  return isStale() ? answer : push(`Bearer ${second.token}`)
}

/** A token's own time, apart from the push's: a claim gets stale meanwhile. */
const LONGEST_WAIT_MS = 5000

/** The token that a delivery has to be pushed with; `undefined` where its credential is the header itself. */
export function wantedToken(
  { streamId, tokenRequest, timeoutMs }: ClaimedDelivery,
  { connection, credential }: Unlocked,
): WantedToken | undefined {
  if (tokenRequest === undefined) return undefined
  const withinMs = Math.min(timeoutMs, LONGEST_WAIT_MS)
  return { streamId, connection, request: tokenRequest, secret: credential ?? '', withinMs }
}

/** In HTTP's words (RFC 6750 §3.1), or in those of RFC 8935 §2.4. */
function refusesToken(answer: Answer): boolean {
  return answer.kind === 'response' && (answer.status === 401 || answer.refusal?.err === 'authentication_failed')
}
