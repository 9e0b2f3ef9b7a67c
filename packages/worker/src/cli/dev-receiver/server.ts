import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { nodeListener } from 'risc-set'
import { errorCode } from '../../error-code.ts'
import { CommandFailedError } from '../command-error.ts'
import { carryOut, type Plan } from './carry-out.ts'

/** A receiver that listens. */
export interface DevServer {
  readonly url: string
  /** Cuts every connection, answered or not. */
  close(): Promise<void>
}

/**
 * Listens on 127.0.0.1, which nobody but this machine can reach.
 *
 * @throws {@link CommandFailedError} when the port is taken.
 */
export async function listen(receive: (request: Request) => Promise<Plan>, port: number): Promise<DevServer> {
  const server = createServer((incoming, outgoing) => {
    nodeListener(async (request) => carryOut(await receive(request), outgoing))(incoming, outgoing)
  })
  await bind(server, port)
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${bound}/`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function bind(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (error) {
    if (errorCode(error) !== 'EADDRINUSE') throw error
    throw new CommandFailedError(`port ${port} is taken: choose another with --port`)
  }
}
