import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { clock } from './clock.ts'
import { answer } from './receiver-behaviour.ts'
import { warmUpOf } from './warm-up.ts'

/** When some of a number of requests came, in milliseconds since 1970. */
export interface Report {
  readonly firstAt: number
  /** When `warmUpOf` them had come. */
  readonly warmAt: number
  readonly lastAt: number
  readonly count: number
  readonly bodies: readonly { readonly body: string; readonly at: number }[]
}

/** What to wait for, or to collect until it is told, or whether the behaviours that the paths name are to be shown. */
export type Order =
  | { readonly kind: 'receive'; readonly count: number; readonly keepBodies: boolean }
  | { readonly kind: 'collect'; readonly keepBodies: boolean }
  | { readonly kind: 'tell' }
  | { readonly kind: 'behave'; readonly asPathsSay: boolean }

let awaited = { count: 0, keepBodies: false }
let asPathsSay = false
let count = 0
let firstAt = 0
let warmAt = 0
let lastAt = 0
let bodies: { body: string; at: number }[] = []

process.on('message', (order: Order) => {
  if (order.kind === 'behave') {
    asPathsSay = order.asPathsSay
    return
  }
  if (order.kind === 'tell') {
    process.send?.({ firstAt, warmAt, lastAt, count, bodies } satisfies Report)
    return
  }
  awaited = { count: order.kind === 'receive' ? order.count : Number.POSITIVE_INFINITY, keepBodies: order.keepBodies }
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
  if (count === warmUpOf(awaited.count)) warmAt = at
  lastAt = at
  if (awaited.keepBodies) bodies.push({ body, at })
  if (count === awaited.count) process.send?.({ firstAt, warmAt, lastAt, count, bodies } satisfies Report)
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
