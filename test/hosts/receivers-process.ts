import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { text } from 'node:stream/consumers'
import type { Certificate } from '../support/certificates.ts'

/** A POST as its receiver saw it. */
export interface Arrival {
  /** The sender's address. */
  readonly from: string
  readonly stream: string
  readonly jti: string
  /** Of the bytes of the SET. */
  readonly digest: string
  /** As `Date.now()` tells it. */
  readonly at: number
}

/** Who is kept waiting for an answer: a sender, and whoever sends one of these SETs. */
export interface Hold {
  readonly from?: string
  readonly jtis?: readonly string[]
}

/** What the receivers are told: to listen, or whom to keep waiting from now on. */
export type Order = { readonly listen: Certificate } | { readonly hold: Hold }

interface Waiting {
  readonly arrival: Arrival
  readonly response: ServerResponse
}

let waiting: Waiting[] = []
let hold: Hold = {}

process.on('disconnect', () => process.exit())
process.on('message', (order: Order) => {
  if ('listen' in order) return listen(order.listen)
  hold = order.hold
  const all = waiting
  waiting = []
  for (const one of all) answer(one)
})

function listen(certificate: Certificate): void {
  const server = createServer(certificate, async (request, response) => {
    const from = request.socket.remoteAddress ?? ''
    const stream = request.url?.slice(1) ?? ''
    const jwt = await text(request).catch(() => undefined)
    if (jwt === undefined) return // the sender went away in the middle
    const arrival: Arrival = { from, stream, jti: readJti(jwt), digest: digest(jwt), at: Date.now() }
    process.send?.(arrival)
    answer({ arrival, response })
  })
  server.keepAliveTimeout = 60_000
  server.listen(443, '0.0.0.0', () => process.send?.('listening'))
}

function answer({ arrival, response }: Waiting): void {
  if (arrival.from === hold.from || hold.jtis?.includes(arrival.jti)) waiting.push({ arrival, response })
  else if (!response.destroyed) response.writeHead(202).end()
}

const digest = (jwt: string): string => createHash('sha256').update(jwt).digest('base64url')

const readJti = (jwt: string): string => JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()).jti
