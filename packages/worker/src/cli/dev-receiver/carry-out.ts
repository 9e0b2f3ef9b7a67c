import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Behaviour } from './behaviour.ts'

/** What is to be done, and what a receiver that behaves would answer. */
export interface Plan extends Behaviour {
  readonly honest: Response
}

const DRIP_EVERY_MS = 200

/** Does to a request what was planned; resolves only where there is an answer to be sent as a whole. */
export async function carryOut({ reply, delayMs, honest }: Plan, outgoing: ServerResponse): Promise<Response> {
  if (delayMs > 0) await sleep(delayMs, undefined, { ref: false })
  switch (reply.kind) {
    case 'honest':
      return honest
    case 'answer':
      return new Response(reply.body === '' ? null : reply.body, reply)
    case 'drip':
      drip(reply.body, outgoing.writeHead(reply.status, reply.headers))
      return never()
    case 'reset':
      outgoing.socket?.resetAndDestroy()
      return never()
    case 'hang':
      return never()
    default:
      return reply satisfies never
  }
}

/** The body, and then blanks, until the other side has had enough. */
function drip(body: string, outgoing: ServerResponse): void {
  let at = 0
  const timer = setInterval(() => outgoing.write(body[at++] ?? ' '), DRIP_EVERY_MS)
  outgoing.once('close', () => clearInterval(timer))
}

function never(): Promise<never> {
  return new Promise(() => undefined)
}
