import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { clock } from './clock.ts'
import { answer } from './receiver-behaviour.ts'

/** When the first and the last of a number of requests came, in milliseconds since 1970. */
export interface Report {
  readonly firstAt: number
  readonly lastAt: number
  readonly bodies: readonly { readonly body: string; readonly at: number }[]
}

/** What to wait for, or whether the behaviours that the paths name are to be shown. */
export type Order =
  | { readonly kind: 'receive'; readonly count: number; readonly keepBodies: boolean }
  | { readonly kind: 'behave'; readonly asPathsSay: boolean }

let awaited = { count: 0, keepBodies: false }
let asPathsSay = false
let count = 0
let firstAt = 0
let bodies: { body: string; at: number }[] = []

process.on('message', (order: Order) => {
  if (order.kind === 'behave') {
    asPathsSay = order.asPathsSay
    return
  }
  awaited = order
  count = 0
  bodies = []
})
process.on('disconnect', () => process.exit())

const server = createServer(async (request, response) => {
  const body = await text(request).catch(() => undefined)
  if (body === undefined) return // a worker that stopped in the middle
  const at = clock()
  answer(response, asPathsSay ? (request.url ?? '') : '')
  if (count++ === 0) firstAt = at
  if (awaited.keepBodies) bodies.push({ body, at })
  if (count === awaited.count) process.send?.({ firstAt, lastAt: at, bodies } satisfies Report)
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
