import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { createAuthorizedPush } from './authorized-push.ts'
import { claimDeliveries } from './claim.ts'
import type { NetworkConfig } from './config.ts'
import type { CredentialMeans } from './credential-reader.ts'
import { type DeliverySteps, deliver } from './deliver.ts'
import { logReport } from './delivery-report.ts'
import type { Ledger } from './ledger.ts'
import type { Metrics } from './metrics.ts'
import { microBatch } from './micro-batch.ts'
import { handBack, type Settlement, settleDeliveries } from './settle.ts'
import { untraced } from './untraced.ts'

/** Does the jobs of a worker; what it has begun outlives the runner that asked for it. */
export interface Deliverer {
  /** Delivers one ticket, once, however many jobs name it. */
  deliver(ticket: number): Promise<void>
  /** Cuts off what is still being pushed and hands it back, within a few seconds. */
  finish(): Promise<void>
}

/** What a deliverer needs. */
export interface DelivererSettings {
  readonly ledger: Ledger
  readonly workerId: string
  readonly network: NetworkConfig
  readonly credentials: CredentialMeans
  readonly metrics: Metrics
  readonly log: Logger
  /** Called for each ticket that is done with. */
  readonly onDone: () => void
}

/** Large, since a statement costs half a millisecond before it does anything; and the second lane goes on while one commits. */
const BATCH = { size: 80, lanes: 2 }
const HAND_BACK_WITHIN_MS = 4000

export function createDeliverer({
  ledger,
  workerId,
  network,
  credentials,
  metrics,
  log,
  onDone,
}: DelivererSettings): Deliverer {
  const cut = new AbortController()
  const authorized = createAuthorizedPush(network, credentials, cut.signal)
  const inFlight = new Map<number, Promise<void>>()

  const steps: DeliverySteps = {
    claim: microBatch(
      metrics.timed('claim', (tickets: readonly number[]) => claimDeliveries(ledger, workerId, tickets)),
      BATCH,
    ),
    push: (delivery, isStale) => untraced(() => authorized.push(delivery, isStale)),
    settle: microBatch(
      metrics.timed('settle', (settlements: readonly Settlement[]) => settleDeliveries(ledger, settlements)),
      BATCH,
    ),
    handBack: microBatch((tickets: readonly number[]) => handBack(ledger, workerId, tickets), BATCH),
    report(report) {
      logReport(log, report)
      metrics.reported(report)
    },
  }

  return {
    // A job may run again in a new runner while the old one's push is still under way.
    async deliver(ticket) {
      if (inFlight.has(ticket)) return
      const delivery = deliver(ticket, steps)
      inFlight.set(ticket, delivery)
      metrics.inFlight(inFlight.size)
      await delivery.finally(() => {
        inFlight.delete(ticket)
        metrics.inFlight(inFlight.size)
        onDone()
      })
    },
    async finish() {
      cut.abort()
      await Promise.race([Promise.allSettled(inFlight.values()), sleep(HAND_BACK_WITHIN_MS, undefined, { ref: false })])
      authorized.destroy()
    },
  }
}
