import { once } from 'node:events'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import got, { type Request } from 'got'
import type { StreamAgents } from './agents.ts'
import { onAbort } from './on-abort.ts'

/** One POST to an address that was judged. */
export interface Post {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly agent: StreamAgents['agent']
  readonly signal: AbortSignal
  /** One deadline over connecting, TLS, sending and reading. */
  readonly withinMs: number
}

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
  headers: { 'user-agent': 'risc-worker', accept: 'application/json' },
})

/**
 * Sends one request, follows and repeats nothing, and has `read` read the answer, within the one deadline.
 *
 * @throws whatever went wrong on the way, as {@link nameFailure} names it
 */
export async function post<Read>(
  { url, headers, body, agent, signal, withinMs }: Post,
  read: (response: IncomingMessage, stream: Request) => Promise<Read>,
): Promise<Read> {
  const stream = client.stream(url, { headers, body, agent })
  // got may emit a second error when the first has been dealt with; without a listener it would end the process.
  stream.on('error', () => undefined)
  stream.on('request', (request) => refuseUnasked(request, (error) => stream.destroy(error)))
  const forget = onAbort(signal, () => stream.destroy(failed('ECANCELED')))
  const late = setTimeout(() => stream.destroy(failed('ETIMEDOUT')), withinMs)
  try {
    const [response] = await once(stream, 'response')
    return await read(response, stream)
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
export async function readBody(
  stream: Duplex,
  { needed, longest }: { readonly needed: boolean; readonly longest: number },
): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  const late = needed ? undefined : setTimeout(() => stream.destroy(), DRAIN_WITHIN_MS)
  try {
    for await (const chunk of stream) {
      chunks.push(chunk)
      size += chunk.length
      if (size >= longest) break
    }
  } catch (error) {
    if (needed) throw error
  } finally {
    clearTimeout(late)
  }
  return Buffer.concat(chunks).subarray(0, longest).toString('utf8')
}
