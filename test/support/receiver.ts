import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

/** A request as a receiver got it. */
export interface ReceivedRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** When its last byte came, as `Date.now()` tells it. */
  readonly at: number
}

/** What a receiver does about a request: answer, never answer, or cut the connection. */
export type Reply = Answer | 'hang' | 'reset'

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly delayMs?: number
}

/** Decides what to do about the `n`th request, counted from 1. */
export type Respond = (request: ReceivedRequest, n: number) => Reply

/** A partner's endpoint: a real HTTP server on 127.0.0.1. */
export interface Receiver {
  readonly url: string
  /** All that came so far. */
  readonly requests: readonly ReceivedRequest[]
  /** Set it to change what is done about the requests to come. */
  respond: Respond
  /** Resolves with the first `n` requests as soon as they are there. */
  received(n: number): Promise<readonly ReceivedRequest[]>
  /** Cuts every connection, also those that wait for an answer. From then on connecting is refused. */
  close(): Promise<void>
}

const DEADLINE_MS = 20_000

/** Opens a receiver; it accepts everything unless told otherwise. */
export async function openReceiver(respond: Respond = () => ({ status: 202 })): Promise<Receiver> {
  const requests: ReceivedRequest[] = []
  const arrivals = new EventEmitter().setMaxListeners(0)

  const server = createServer(async (incoming, response) => {
    const request = await readRequest(incoming)
    if (request === undefined) return
    const reply = receiver.respond(request, requests.push(request))
    arrivals.emit('request')
    await carryOut(reply, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}/`,
    requests,
    respond,
    async received(n) {
      const signal = AbortSignal.timeout(DEADLINE_MS)
      while (requests.length < n) {
        await once(arrivals, 'request', { signal }).catch(() => giveUp(requests, n))
      }
      return requests.slice(0, n)
    },
    async close() {
      if (!server.listening) return
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return receiver
}

/** `undefined` if the sender goes away in the middle. */
async function readRequest(incoming: IncomingMessage): Promise<ReceivedRequest | undefined> {
  try {
    const body = await text(incoming)
    return { method: incoming.method ?? '', path: incoming.url ?? '', headers: incoming.headers, body, at: Date.now() }
  } catch {
    return undefined
  }
}

async function carryOut(reply: Reply, response: ServerResponse): Promise<void> {
  if (reply === 'hang') return
  if (reply === 'reset') {
    response.socket?.resetAndDestroy()
    return
  }
  if (reply.delayMs !== undefined) await sleep(reply.delayMs, undefined, { ref: false })
  if (!response.destroyed) response.writeHead(reply.status, reply.headers).end(reply.body)
}

function giveUp(requests: readonly ReceivedRequest[], n: number): never {
  const seen = requests.map(({ method, path, body }) => `\n  ${method} ${path} ${body.slice(0, 200)}`)
  throw new Error(`${requests.length} of ${n} requests came within ${DEADLINE_MS / 1000} s${seen.join('')}`)
}
