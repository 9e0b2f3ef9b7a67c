import { type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Enqueued } from './enqueue.ts'

/**
 * Runs one call of `enqueue` as a producer span, by OpenTelemetry's conventions for messaging. While it runs the span is
 * the active one, so that the application's spans of the statements are its children. Without an SDK nothing is traced.
 */
export function traceEnqueue(enqueue: () => Promise<Enqueued>): Promise<Enqueued> {
  const attributes = {
    'messaging.system': 'risc',
    'messaging.operation.name': 'enqueue',
    'messaging.operation.type': 'send',
  }
  return trace
    .getTracer('risc-outbox')
    .startActiveSpan('enqueue', { kind: SpanKind.PRODUCER, attributes }, async (span) => {
      try {
        const enqueued = await enqueue()
        describe(span, enqueued)
        return enqueued
      } catch (error) {
        // Neither the message nor the stack: what the database or a look-up throws may quote a user.
        span.setAttribute('error.type', errorType(error)).setStatus({ code: SpanStatusCode.ERROR })
        throw error
      } finally {
        span.end()
      }
    })
}

function describe(span: Span, { txn, deliveries }: Enqueued): void {
  span.setAttribute('messaging.message.conversation_id', txn)
  span.setAttribute('messaging.batch.message_count', deliveries.length)
  const [first] = deliveries
  if (first === undefined || deliveries.some(({ streamId }) => streamId !== first.streamId)) return
  span.updateName(`enqueue ${first.streamId}`).setAttribute('messaging.destination.name', first.streamId)
  if (deliveries.length === 1) span.setAttribute('messaging.message.id', first.jti)
}

function errorType(error: unknown): string {
  if (!(error instanceof Error)) return '_OTHER'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
