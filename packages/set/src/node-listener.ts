import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'

/**
 * Mounts a handler in `node:http`, and through the raw request and response in Express or Fastify. The body is streamed
 * no faster than the handler reads it, so that the handler's own bound is the bound.
 */
export function nodeListener(
  handler: (request: Request) => Response | Promise<Response>,
): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  return (incoming, outgoing) => {
    answer(handler, incoming)
      .catch(() => new Response(null, { status: 500 }))
      .then((response) => send(response, incoming, outgoing))
      .catch(() => outgoing.destroy())
  }
}

async function answer(
  handler: (request: Request) => Response | Promise<Response>,
  incoming: IncomingMessage,
): Promise<Response> {
  const request = toRequest(incoming)
  return request === undefined ? new Response(null, { status: 400 }) : handler(request)
}

// Undefined for what node:http lets through and a Request refuses, such as the method TRACE.
function toRequest(incoming: IncomingMessage): Request | undefined {
  const { method = 'GET', url = '/', rawHeaders } = incoming
  const headers = new Headers()
  const body = method === 'GET' || method === 'HEAD' ? null : bodyOf(incoming)
  try {
    for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '')
    return new Request(new URL(url, 'http://localhost'), { method, headers, body, duplex: 'half' })
  } catch {
    return undefined
  }
}

function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  if (!incoming.readableDidRead) return Readable.toWeb(incoming) as ReadableStream<Uint8Array>
  // Not an empty body, for which a receiver would refuse the SET for good.
  const error = new TypeError('the body was read before nodeListener: mount it before any body parser')
  return new ReadableStream({ start: (controller) => controller.error(error) })
}

async function send(response: Response, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer())
  // A body left unread, such as one too large, would stand before the connection's next request.
  if (!incoming.complete) outgoing.setHeader('connection', 'close')
  outgoing.statusCode = response.status
  outgoing.setHeaders(response.headers).end(body)
}
