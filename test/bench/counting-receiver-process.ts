import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** When the first and the last of a number of requests came, in milliseconds since 1970. */
export interface Report {
  readonly firstAt: number
  readonly lastAt: number
  readonly bodies: readonly { readonly body: string; readonly at: number }[]
}

const now = (): number => performance.timeOrigin + performance.now()

let awaited = { count: 0, keepBodies: false }
let count = 0
let firstAt = 0
let bodies: { body: string; at: number }[] = []

process.on('message', (order: typeof awaited) => {
  awaited = order
  count = 0
  bodies = []
})
process.on('disconnect', () => process.exit())

const server = createServer(async (request, response) => {
  const body = await text(request)
  response.writeHead(202).end()
  const at = now()
  if (count++ === 0) firstAt = at
  if (awaited.keepBodies) bodies.push({ body, at })
  if (count === awaited.count) process.send?.({ firstAt, lastAt: at, bodies } satisfies Report)
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
