import { ask, type OutboxTransaction } from './transaction.ts'

/** One signed SET, owed to one stream. */
export interface SignedDelivery {
  readonly streamId: string
  readonly jti: string
  readonly txn: string
  readonly eventType: string
  readonly kid: string
  /** What shares it reaches its receiver in the order of its enqueueing: a 64-bit integer. */
  readonly orderKey: string | null
  /** Passes all that the stream has waiting, and goes out whatever the stream's status. */
  readonly urgent: boolean
  /** The trace of the request that enqueues it. */
  readonly traceparent: string | null
  readonly signedSet: string
}

const ENQUEUE = 'select risc.enqueue($1, $2::text::jsonb)'

/** Writes all deliveries of one call in one statement, which the database refuses outside the transaction named. */
export async function recordDeliveries(
  trx: OutboxTransaction,
  transactionName: string,
  deliveries: readonly SignedDelivery[],
): Promise<void> {
  await ask(trx, ENQUEUE, [transactionName, JSON.stringify(deliveries.map(toRecord))])
}

/** A delivery as `risc.enqueue` takes it. */
export function toRecord(delivery: SignedDelivery): Record<string, string | boolean | null> {
  return {
    stream_id: delivery.streamId,
    jti: delivery.jti,
    txn: delivery.txn,
    event_type: delivery.eventType,
    kid: delivery.kid,
    order_key: delivery.orderKey,
    urgent: delivery.urgent,
    traceparent: delivery.traceparent,
    signed_set: delivery.signedSet,
  }
}
