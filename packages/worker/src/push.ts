import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import got, { RequestError } from 'got'
import type { Agents } from './agents.ts'
import type { Answer, Failure } from './answer.ts'
import { checkEndpointUrl, type EndpointRules } from './endpoint-url.ts'
import { errorCode } from './error-code.ts'
import { readRefusal } from './refusal.ts'
import { readRetryAfter } from './retry-after.ts'

/** One POST to be made. */
export interface PushRequest {
  readonly streamId: string
  readonly endpointUrl: string
  readonly signedSet: string
  readonly authorizationHeader: string | undefined
  /** One deadline over name look-up, connect, TLS, sending and reading. */
  readonly timeoutMs: number
}

const LONGEST_BODY = 4096
/** How long a body that tells nothing is read, for the sake of its connection: a receiver may drip it. */
const DRAIN_WITHIN_MS = 250

const client = got.extend({
  method: 'POST',
  followRedirect: false,
  retry: { limit: 0 },
  decompress: false,
  throwHttpErrors: false,
  strictContentLength: false,
  headers: { 'user-agent': 'risc-worker', accept: 'application/json', 'content-type': 'application/secevent+jwt' },
})

/**
 * Pushes one SET (RFC 8935 §2.1): its bytes as they are, once, to that address and no other.
 *
 * Never rejects: whatever happens on the way is an {@link Answer}. At most 4 KB of a refusal's body are read.
 */
export async function push(
  request: PushRequest,
  { agents, rules, signal }: { readonly agents: Agents; readonly rules: EndpointRules; readonly signal: AbortSignal },
): Promise<Answer> {
  if (checkEndpointUrl(request.endpointUrl, rules) !== undefined) return { kind: 'blocked' }
  const stream = client.stream(request.endpointUrl, {
    body: request.signedSet,
    agent: agents.of(request.streamId, request.endpointUrl),
    timeout: { request: request.timeoutMs },
    signal,
    ...(request.authorizationHeader !== undefined && { headers: { authorization: request.authorizationHeader } }),
  })
  // got may emit a second error when the first has been dealt with; without a listener it would end the process.
  stream.on('error', () => undefined)
  try {
    const [response] = await once(stream, 'response')
    const status: number = response.statusCode
    const connectedTo = peerOf(stream.socket)
    const body = await readBody(stream, { needed: status === 400 })
    const retryAfterMs = readRetryAfter(response.headers['retry-after'], response.headers.date)
    const refusal = status === 400 ? readRefusal(body, request.signedSet) : undefined
    return {
      kind: 'response',
      status,
      ...(connectedTo !== undefined && { connectedTo }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...(refusal !== undefined && { refusal }),
    }
  } catch (error) {
    return signal.aborted ? { kind: 'aborted' } : { kind: 'failure', failure: nameFailure(error) }
  }
}

/** Asked before the body is read: a socket that has closed no longer knows. */
function peerOf(socket: Socket | undefined): string | undefined {
  const { remoteAddress: host, remotePort: port } = socket ?? {}
  return host === undefined ? undefined : `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/**
 * Reads to the end, so that the connection can be used again, or to the limit. A broken or late body leaves the status
 * standing, unless it is needed to tell what the status means.
 */
async function readBody(stream: Duplex, { needed }: { readonly needed: boolean }): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  const late = needed ? undefined : setTimeout(() => stream.destroy(), DRAIN_WITHIN_MS)
  try {
    for await (const chunk of stream) {
      chunks.push(chunk)
      size += chunk.length
      if (size >= LONGEST_BODY) break
    }
  } catch (error) {
    if (needed) throw error
  } finally {
    clearTimeout(late)
  }
  return Buffer.concat(chunks).subarray(0, LONGEST_BODY).toString('utf8')
}

function nameFailure(error: unknown): Failure {
  const code = errorCode(error)
  if (code === 'ETIMEDOUT') return 'timeout'
  if (code === 'ECONNREFUSED') return 'connection_refused'
  if (['ECONNRESET', 'EPIPE', 'ECONNABORTED'].includes(code)) {
    return error instanceof RequestError && error.request?.reusedSocket ? 'stale_connection' : 'connection_lost'
  }
  if (['ENOTFOUND', 'ENODATA', 'ESERVFAIL', 'ETIMEOUT', 'EAI_AGAIN'].includes(code)) return 'name_not_resolved'
  if (code.startsWith('HPE_')) return 'unreadable_answer'
  if (code === 'EPROTO' || code.startsWith('ERR_TLS') || code.startsWith('ERR_SSL') || code.includes('CERT'))
    return 'tls_failed'
  if (code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE') return 'tls_failed'
  return 'unreachable'
}
