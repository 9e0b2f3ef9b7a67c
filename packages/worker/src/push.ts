import { once } from 'node:events'
import type { ClientRequest } from 'node:http'
import type { Duplex } from 'node:stream'
import got from 'got'
import type { Agents, StreamAgents } from './agents.ts'
import type { Answer } from './answer.ts'
import { judgeEndpoint, type Resolve } from './endpoint.ts'
import { nameFailure } from './failure.ts'
import { onAbort } from './on-abort.ts'
import { peerOf } from './peer.ts'
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
const LONGEST_HEAD = 16_384
const MOST_INTERIM_ANSWERS = 10
/** How long a body that tells nothing is read, for the sake of its connection: a receiver may drip it. */
const DRAIN_WITHIN_MS = 250

const client = got.extend({
  method: 'POST',
  followRedirect: false,
  retry: { limit: 0 },
  decompress: false,
  throwHttpErrors: false,
  strictContentLength: false,
  maxHeaderSize: LONGEST_HEAD,
  headers: { 'user-agent': 'risc-worker', accept: 'application/json', 'content-type': 'application/secevent+jwt' },
})

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
    return await post(request, { agent, signal, withinMs: timeoutMs - (performance.now() - startedAt) })
  } catch (error) {
    return signal.aborted ? { kind: 'aborted' } : { kind: 'failure', failure: nameFailure(error, agents) }
  }
}

async function post(
  { connection, signedSet, authorizationHeader }: PushRequest,
  { agent, signal, withinMs }: { agent: StreamAgents['agent']; signal: AbortSignal; withinMs: number },
): Promise<Answer> {
  const stream = client.stream(connection.endpointUrl, {
    body: signedSet,
    agent,
    ...(authorizationHeader !== undefined && { headers: { authorization: authorizationHeader } }),
  })
  // got may emit a second error when the first has been dealt with; without a listener it would end the process.
  stream.on('error', () => undefined)
  stream.on('request', (request) => refuseUnasked(request, (error) => stream.destroy(error)))
  const forget = onAbort(signal, () => stream.destroy(failed('ECANCELED')))
  const late = setTimeout(() => stream.destroy(failed('ETIMEDOUT')), withinMs)
  try {
    const [response] = await once(stream, 'response')
    const status: number = response.statusCode
    const peer = peerOf(stream.socket)
    const body = await readBody(stream, { needed: status === 400 })
    const retryAfterMs = readRetryAfter(response.headers['retry-after'], response.headers.date)
    const refusal = status === 400 ? readRefusal(body, signedSet) : undefined
    return {
      kind: 'response',
      status,
      ...peer,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...(refusal !== undefined && { refusal }),
    }
  } finally {
    forget()
    clearTimeout(late)
  }
}

/** A receiver may send 1xx answers without end, or change to another protocol; neither was asked for. */
function refuseUnasked(request: ClientRequest, end: (error: Error) => void): void {
  let seen = 0
  request.on('information', () => {
    if (++seen > MOST_INTERIM_ANSWERS) end(failed('HPE_INTERIM_FLOOD'))
  })
  request.on('upgrade', (_response, socket) => {
    socket.destroy()
    end(failed('HPE_UNASKED_UPGRADE'))
  })
}

const failed = (code: string): Error => Object.assign(new Error(code), { code })

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
