import { ask, type OutboxTransaction } from './transaction.ts'

/** One signed SET, owed to one stream. */
export interface SignedDelivery {
  readonly streamId: string
  readonly jti: string
  readonly txn: string
  readonly eventType: string
  readonly kid: string
  /** What shares it reaches its receiver in the order of its enqueueing: a 64-bit integer. */
  readonly orderKey: string
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

function toRecord(delivery: SignedDelivery): Record<string, string> {
  return {
    stream_id: delivery.streamId,
    jti: delivery.jti,
    txn: delivery.txn,
    event_type: delivery.eventType,
    kid: delivery.kid,
    order_key: delivery.orderKey,
    signed_set: delivery.signedSet,
  }
}
