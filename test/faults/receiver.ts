import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import { eventually } from './eventually.ts'
import type { Arrival } from './verdict.ts'

/** A partner that remembers what it got, and can keep its senders waiting. */
export interface FaultsReceiver {
  readonly url: string
  /** All that came so far, but for what was refused. */
  readonly arrivals: readonly Arrival[]
  /** Whether `/refusing` refuses. */
  refusing: boolean
  /** Answers none of the SETs that `isMine` picks, until it is released. */
  hold(isMine: (jti: string) => Promise<boolean>): HeldAnswers
  close(): Promise<void>
}

export interface HeldAnswers {
  /** How many senders wait for their answers. */
  readonly count: number
  /** Resolves when one does. */
  reached(): Promise<void>
  /** Accepts what was held and resolves when all answers are written, though nobody may read them. */
  release(): Promise<void>
}

interface Hold {
  readonly isMine: (jti: string) => Promise<boolean>
  readonly answers: (() => Promise<void>)[]
}

const ANSWER_AFTER_MS = 5
const REFUSAL = JSON.stringify({ err: 'invalid_request', description: 'not today' })

export async function openFaultsReceiver(): Promise<FaultsReceiver> {
  const arrivals: Arrival[] = []
  let hold: Hold | undefined

  const server = createServer(async (request, response) => {
    const body = await text(request).catch(() => undefined)
    if (body === undefined) return
    if (request.url === '/refusing' && receiver.refusing) return void response.writeHead(400).end(REFUSAL)
    const jti = String(decodeJwt(body).jti)
    const arrival: Arrival = { jti, hash: hashOf(body), at: performance.now(), accepted: false }
    arrivals.push(arrival)
    const accept = async (): Promise<void> => {
      arrival.accepted = await answer(response)
    }

    const holding = hold
    if (holding && (await holding.isMine(jti)) && holding === hold) {
      holding.answers.push(accept)
    } else {
      await sleep(ANSWER_AFTER_MS)
      await accept()
    }
  })
  server.keepAliveTimeout = 600_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  const receiver: FaultsReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrivals,
    refusing: true,
    hold(isMine) {
      const held: Hold = { isMine, answers: [] }
      hold = held
      return {
        get count() {
          return held.answers.length
        },
        async reached() {
          await eventually(async () => held.answers.length > 0 || undefined, 'a request to hold')
        },
        async release() {
          if (hold === held) hold = undefined
          await Promise.all(held.answers.splice(0).map((accept) => accept()))
        },
      }
    },
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return receiver
}

/** Tells whether the answer could be written. */
async function answer(response: ServerResponse): Promise<boolean> {
  if (response.destroyed) return false
  const written = Promise.race([once(response, 'finish').then(() => true), once(response, 'close').then(() => false)])
  response.writeHead(202).end()
  return written
}

const hashOf = (body: string): string => createHash('sha256').update(body).digest('base64')
