import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { nodeListener } from 'risc-set'

/** A web server on loopback. */
export interface WebServer {
  /** As in `http://127.0.0.1:8080`. */
  readonly origin: string
  /** Closes every connection, also those whose requests have no answer yet. */
  drop(): void
  stop(): Promise<void>
}

/** Serves a web-standard handler, such as `createReceiver` makes, on a free port. */
export async function serve(handler: (request: Request) => Promise<Response>): Promise<WebServer> {
  const server = createServer(nodeListener(handler))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    drop: () => server.closeAllConnections(),
    async stop() {
      server.close()
      server.closeAllConnections()
    },
  }
}
