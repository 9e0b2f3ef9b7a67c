import type { CredentialProblem, TokenProblem } from './answer.ts'
import { UnusableClientKeyError } from './client-key.ts'
import { judgeEndpoint } from './endpoint.ts'
import { nameFailure } from './failure.ts'
import { readTokenAnswer, type TokenAnswer } from './oauth-answer.ts'
import { type TokenRequest, writeTokenRequest } from './oauth-request.ts'
import { post, readBody } from './post.ts'
import type { PushTools } from './push.ts'
import { readRetryAfter } from './retry-after.ts'
import type { StreamConnection } from './stream-connection.ts'

/** A token that is needed, and with what it is got. */
export interface WantedToken {
  readonly streamId: string
  readonly request: TokenRequest
  readonly secret: string
  /** How the stream's receiver is connected to: its rules are the token endpoint's too. */
  readonly connection: StreamConnection
  /** One deadline over name look-up, connect, TLS, sending and reading. */
  readonly withinMs: number
}

/** What came of one token request. */
export type FetchedToken = TokenAnswer | TokenProblem | CredentialProblem | { readonly kind: 'aborted' }

const LONGEST_BODY = 16_384

/**
 * Asks a token endpoint once, under the rules of every push: judged and pinned addresses, no redirects, one deadline, at
 * most 16 KB of answer. Never rejects.
 *
 * @param agents of token endpoints alone, so that their connections are not those of receivers
 */
export async function fetchToken(wanted: WantedToken, { agents, resolve, signal }: PushTools): Promise<FetchedToken> {
  const startedAt = performance.now()
  const { streamId, request, secret, withinMs } = wanted
  const connection = toTokenEndpoint(request, wanted.connection)
  const url = connection.endpointUrl
  try {
    const { agent, rules, pin } = agents.of(streamId, connection)
    const endpoint = await judgeEndpoint(url, rules, { resolve, withinMs })
    if (endpoint.kind === 'blocked') return { kind: 'token_blocked', rule: endpoint.rule }
    if (endpoint.kind === 'unresolved') return { kind: 'token_unavailable', cause: 'name_not_resolved' }
    pin(endpoint.addresses)
    const { headers, body } = writeTokenRequest(request, secret)
    const leftMs = withinMs - (performance.now() - startedAt)
    // Asked so seldom that a kept connection would mostly have been closed by the other end.
    const closing = { ...headers, connection: 'close' }
    return await post({ url, headers: closing, body, agent, signal, withinMs: leftMs }, async (response, stream) => {
      const retryAfterMs = readRetryAfter(response.headers['retry-after'], response.headers.date)
      const answered = await readBody(stream, { needed: true, longest: LONGEST_BODY })
      return readTokenAnswer({ status: response.statusCode ?? 0, body: answered, retryAfterMs })
    })
  } catch (error) {
    if (signal.aborted) return { kind: 'aborted' }
    if (error instanceof UnusableClientKeyError) return { kind: 'credential_unavailable', cause: 'not_usable' }
    return { kind: 'token_unavailable', cause: nameFailure(error, agents) }
  }
}

/**
 * How a stream's token endpoint is connected to: as its receiver is. But who asks is told by the secret, so the stream's
 * certificate is shown to the receiver's own origin alone.
 */
export function toTokenEndpoint({ token_endpoint }: TokenRequest, connection: StreamConnection): StreamConnection {
  const { tls, endpointUrl } = connection
  const isReceivers = URL.parse(token_endpoint)?.origin === URL.parse(endpointUrl)?.origin
  return { ...connection, endpointUrl: token_endpoint, tls: isReceivers ? tls : { ...tls, client: undefined } }
}
