import { createAgents } from './agents.ts'
import type { Answer } from './answer.ts'
import type { ClaimedDelivery } from './claim.ts'
import type { NetworkConfig } from './config.ts'
import { type CredentialMeans, createCredentialReader } from './credential-reader.ts'
import { pushWithToken, wantedToken } from './oauth-push.ts'
import { fetchToken } from './oauth-token.ts'
import { createTokens } from './oauth-tokens.ts'
import { push } from './push.ts'
import { createResolver } from './resolver.ts'
import { unlock } from './unlocked-delivery.ts'

/** Pushes deliveries with what their streams' credentials are good for: as a header, or to get a token by. */
export interface AuthorizedPush {
  push(delivery: ClaimedDelivery, isStale: () => boolean): Promise<Answer>
  /** Closes all connections. */
  destroy(): void
}

/** @param signal cuts off whatever is under way */
export function createAuthorizedPush(
  network: NetworkConfig,
  credentials: CredentialMeans,
  signal: AbortSignal,
): AuthorizedPush {
  const reader = createCredentialReader(credentials)
  const resolve = createResolver(network)
  const ofReceivers = { agents: createAgents(network), resolve, signal }
  const ofTokens = { agents: createAgents(network), resolve, signal }
  const tokens = createTokens({ fetch: (wanted) => fetchToken(wanted, ofTokens) })

  return {
    async push(delivery, isStale) {
      const unlocked = await unlock(delivery, reader)
      if (unlocked.kind !== 'unlocked') return unlocked
      const { streamId, signedSet, timeoutMs } = delivery
      const { connection, credential } = unlocked
      const pushWith = (authorizationHeader: string | undefined): Promise<Answer> =>
        push({ streamId, connection, signedSet, authorizationHeader, timeoutMs }, ofReceivers)
      const wanted = wantedToken(delivery, unlocked)
      if (wanted === undefined) return pushWith(credential)
      return pushWithToken({ getToken: () => tokens.get(wanted), push: pushWith, isStale })
    },
    destroy() {
      ofReceivers.agents.destroy()
      ofTokens.agents.destroy()
    },
  }
}
