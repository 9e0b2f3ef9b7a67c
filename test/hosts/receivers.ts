import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Certificate } from '../support/certificates.ts'
import { addressOf, type Host, spawnOn } from './network.ts'
import type { Arrival, Order } from './receivers-process.ts'

/** The partners' endpoints: one HTTPS server on a host of its own, which accepts everything. */
export interface Receivers {
  /** All that came so far, to whichever stream. */
  readonly arrivals: readonly Arrival[]
  /** Whether a SET came. */
  has(jti: string): boolean
  /** From now on gives no answers to what comes from `host`. */
  holdFrom(host: Host): void
  /** From now on gives no answers to these SETs, whoever sends them. */
  holdSets(jtis: Iterable<string>): void
  /** Gives the answers withheld, and all to come. */
  release(): void
  close(): Promise<void>
}

/** Where a stream's SETs go: port 443, as the worker demands of all that is not on loopback. */
export const endpointOf = (stream: string): string => `https://${addressOf('receivers')}/${stream}`

export async function openReceivers(certificate: Certificate): Promise<Receivers> {
  const script = fileURLToPath(new URL('receivers-process.ts', import.meta.url))
  const child = spawnOn('receivers', [script], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const order = (what: Order): void => void child.send(what)
  const ended = once(child, 'exit')

  order({ listen: certificate })
  await Promise.race([once(child, 'message'), ended.then(neverListened)])
  const arrivals: Arrival[] = []
  const received = new Set<string>()
  child.on('message', (arrival: Arrival) => {
    arrivals.push(arrival)
    received.add(arrival.jti)
  })

  return {
    arrivals,
    has: (jti) => received.has(jti),
    holdFrom: (host) => order({ hold: { from: addressOf(host) } }),
    holdSets: (jtis) => order({ hold: { jtis: [...jtis] } }),
    release: () => order({ hold: {} }),
    async close() {
      child.disconnect()
      await ended
    },
  }
}

function neverListened(): never {
  throw new Error('the receivers’ process ended before it listened')
}
