import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { errorCode } from './error-code.ts'
import { AddressUnavailableError } from './errors.ts'

/** Where to listen. */
export interface HttpAddress {
  /** An IP address. */
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
}

/** What is served at one path. */
export interface Page {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** The pages by path, each made anew for every request. */
export type Pages = ReadonlyMap<string | undefined, () => Page | Promise<Page>>

/** A server that listens. */
export interface HttpServer {
  readonly port: number
  /** Cuts whoever is still connected. */
  close(): Promise<void>
}

/** Requests are a line and a few headers, from a few clients: whoever sends more, or more slowly, is cut off. */
const LIMITS = {
  maxHeaderSize: 8192,
  headersTimeout: 5000,
  requestTimeout: 5000,
  connectionsCheckingInterval: 1000,
  keepAliveTimeout: 30_000,
}
const LONGEST_SILENCE_MS = 35_000
const MOST_CONNECTIONS = 100

const FAILURE: Page = { status: 500, contentType: 'text/plain; charset=utf-8', body: 'failed\n' }

/**
 * Serves `pages` to GET and HEAD, by plain HTTP, and answers nothing else.
 *
 * @throws {@link AddressUnavailableError}
 */
export async function serve(
  pages: Pages,
  { host, port }: HttpAddress,
  onError: (error: unknown) => void,
): Promise<HttpServer> {
  const server = createServer(LIMITS, async (request, response) => {
    const page = pages.get(request.url?.split('?')[0])
    if (page === undefined) return refuse(response, 404)
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405, { allow: 'GET, HEAD' })
    const { status, contentType, body } = await make(page, onError)
    response.writeHead(status, {
      'content-type': contentType,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
    })
    response.end(body) // node leaves it out where HEAD asked
  })
  server.maxConnections = MOST_CONNECTIONS
  server.setTimeout(LONGEST_SILENCE_MS) // a client that does not read what it asked for
  server.listen(port, host)
  await once(server, 'listening').catch((cause: unknown) => {
    throw new AddressUnavailableError(
      `health and metrics cannot be served on ${host} port ${port}: ${errorCode(cause)}`,
      { cause },
    )
  })
  server.on('error', onError) // as when there are no file descriptors left

  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function make(page: () => Page | Promise<Page>, onError: (error: unknown) => void): Promise<Page> {
  try {
    return await page()
  } catch (error) {
    onError(error)
    return FAILURE
  }
}

function refuse(response: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { ...headers, connection: 'close' }).end()
}
