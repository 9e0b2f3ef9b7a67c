import type { Agents } from './agents.ts'
import type { Answer } from './answer.ts'
import { UnusableClientKeyError } from './client-key.ts'
import { judgeEndpoint, type Resolve } from './endpoint.ts'
import { nameFailure } from './failure.ts'
import { peerOf } from './peer.ts'
import { type Post, post, readBody } from './post.ts'
import { readRefusal } from './refusal.ts'
import { readRetryAfter } from './retry-after.ts'
import type { StreamConnection } from './stream-connection.ts'

/** One POST to be made. */
export interface PushRequest {
  readonly streamId: string
  readonly connection: StreamConnection
  readonly signedSet: string
  readonly authorizationHeader: string | undefined
  /** One deadline over name look-up, connect, TLS, sending and reading. */
  readonly timeoutMs: number
}

/** What pushing needs. */
export interface PushTools {
  readonly agents: Agents
  readonly resolve: Resolve
  readonly signal: AbortSignal
}

const LONGEST_BODY = 4096

/**
 * Pushes one SET (RFC 8935 §2.1): its bytes as they are, once, to that address and no other.
 *
 * Never rejects: whatever happens on the way is an {@link Answer}. At most 4 KB of a refusal's body are read.
 */
export async function push(request: PushRequest, { agents, resolve, signal }: PushTools): Promise<Answer> {
  const startedAt = performance.now()
  const { streamId, connection, timeoutMs } = request
  try {
    const { agent, rules, pin } = agents.of(streamId, connection)
    const endpoint = await judgeEndpoint(connection.endpointUrl, rules, { resolve, withinMs: timeoutMs })
    if (endpoint.kind === 'blocked') return { kind: 'blocked', rule: endpoint.rule }
    if (endpoint.kind === 'unresolved') return { kind: 'failure', failure: 'name_not_resolved' }
    pin(endpoint.addresses)
    return await postSet(request, { agent, signal, withinMs: timeoutMs - (performance.now() - startedAt) })
  } catch (error) {
    if (signal.aborted) return { kind: 'aborted' }
    if (error instanceof UnusableClientKeyError) return { kind: 'credential_unavailable', cause: 'not_usable' }
    return { kind: 'failure', failure: nameFailure(error, agents) }
  }
}

async function postSet(
  { connection, signedSet, authorizationHeader }: PushRequest,
  by: Pick<Post, 'agent' | 'signal' | 'withinMs'>,
): Promise<Answer> {
  const headers = {
    'content-type': 'application/secevent+jwt',
    ...(authorizationHeader !== undefined && { authorization: authorizationHeader }),
  }
  return post({ url: connection.endpointUrl, headers, body: signedSet, ...by }, async (response, stream) => {
    const status = response.statusCode ?? 0
    const peer = peerOf(stream.socket)
    const body = await readBody(stream, { needed: status === 400, longest: LONGEST_BODY })
    const retryAfterMs = readRetryAfter(response.headers['retry-after'], response.headers.date)
    const refusal = status === 400 ? readRefusal(body, signedSet, authorizationHeader) : undefined
    return {
      kind: 'response',
      status,
      ...peer,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...(refusal !== undefined && { refusal }),
    }
  })
}
