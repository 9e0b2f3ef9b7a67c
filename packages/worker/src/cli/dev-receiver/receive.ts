import type { VerifyOptions } from 'risc-set'
import { type Arrival, readUnverified, type Verdict, withoutCredential } from './arrival.ts'
import type { Behaviour } from './behaviour.ts'
import type { Plan } from './carry-out.ts'
import { createHonestReceiver } from './honest-receiver.ts'
import { KnownSets } from './known-sets.ts'

/** How a development receiver is set up. */
export interface ReceiveSettings extends VerifyOptions {
  /** What to do about the `n`th request. */
  readonly behave: (n: number) => Behaviour
  readonly onArrival: (arrival: Arrival) => void
}

/** Makes a receiver that verifies what arrives, tells about it, and then behaves as it is told to. */
export function createDevReceiver({
  behave,
  onArrival,
  ...options
}: ReceiveSettings): (request: Request) => Promise<Plan> {
  const judge = createHonestReceiver(options)
  const known = new KnownSets()
  let arrivals = 0

  return async (request) => {
    const n = ++arrivals
    const at = new Date()
    const { honest, body } = await judge(request)
    const set = readUnverified(body)
    const { reply, delayMs } = behave(n)
    const status = reply.kind === 'honest' ? honest.status : 'status' in reply ? reply.status : undefined
    const accepted = status !== undefined && status < 300
    const verdict = honest.status === 202 ? known.count(set?.claims['jti'], accepted) : await readRefusal(honest)
    const { pathname, search } = new URL(request.url)
    const { method, headers } = request
    const path = pathname + search
    onArrival({ n, at, method, path, headers: withoutCredential(headers), set, verdict, reply, status, delayMs })
    return { honest, reply, delayMs }
  }
}

async function readRefusal(honest: Response): Promise<Verdict> {
  const { status } = honest
  if (status !== 400) return { verified: false, description: DESCRIPTIONS[status] ?? 'The request cannot be read' }
  const { err, description } = (await honest.clone().json()) as { readonly err: string; readonly description: string }
  return { verified: false, err, description }
}

/** What a receiver need not say in words. */
const DESCRIPTIONS: Readonly<Record<number, string>> = {
  405: 'SETs come by POST',
  413: 'The body is larger than 64 KiB',
  415: 'Content-Type is not application/secevent+jwt',
  503: "The issuer's JWK set cannot be had, or the request broke off",
}
