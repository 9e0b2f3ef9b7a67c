import {
  type Attributes,
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { Answer } from './answer.ts'
import type { ClaimedDelivery } from './claim.ts'
import type { Outcome } from './outcome.ts'

/** One attempt, when it is over. */
export interface TracedAttempt {
  readonly delivery: ClaimedDelivery
  readonly answer: Answer
  readonly outcome: Outcome
  readonly durationMs: number
  /** By this host's clock, as all of its spans are. */
  readonly endedAt: number
}

/**
 * Shows an attempt in the trace of the request that enqueued the delivery: a consumer span, and the POST as its child.
 *
 * By OpenTelemetry's conventions for messaging the consumer span links to the context of the `enqueue`, and may be its
 * child where it processes a single message and no other span surrounds it, which is so here: thus one trace has them all.
 */
export function traceAttempt(attempt: TracedAttempt): void {
  const { delivery, outcome, durationMs, endedAt } = attempt
  const tracer = trace.getTracer('risc-worker')
  const created = readTraceparent(delivery.traceparent)
  const parent = created === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, created)
  const span = tracer.startSpan(
    `deliver ${delivery.streamId}`,
    {
      kind: SpanKind.CONSUMER,
      links: created === undefined ? [] : [{ context: created }],
      attributes: describeDelivery(delivery, outcome),
      startTime: endedAt - durationMs,
    },
    parent,
  )
  if (outcome.kind !== 'accepted') span.setStatus({ code: SpanStatusCode.ERROR })
  tracePost(tracer, attempt, trace.setSpan(parent, span))
  span.end(endedAt)
}

function tracePost(tracer: Tracer, { delivery, answer, durationMs, endedAt }: TracedAttempt, parent: Context): void {
  if (answer.kind !== 'response' && answer.kind !== 'failure') return // no request was made, or none came to an end
  const status = answer.kind === 'response' ? answer.status : undefined
  const error = answer.kind === 'failure' ? answer.failure : answer.status >= 400 ? `${answer.status}` : undefined
  const { hostname, port, protocol } = new URL(delivery.connection.endpointUrl)
  const attributes: Attributes = {
    'http.request.method': 'POST',
    'server.address': hostname,
    'server.port': port === '' ? (protocol === 'http:' ? 80 : 443) : Number(port),
    ...(status !== undefined && { 'http.response.status_code': status }),
    ...(error !== undefined && { 'error.type': error }),
  }
  const span = tracer.startSpan('POST', { kind: SpanKind.CLIENT, attributes, startTime: endedAt - durationMs }, parent)
  if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end(endedAt)
}

function describeDelivery({ jti, streamId, eventType, attempts }: ClaimedDelivery, outcome: Outcome): Attributes {
  return {
    'messaging.system': 'risc',
    'messaging.operation.name': 'deliver',
    'messaging.operation.type': 'process',
    'messaging.destination.name': streamId,
    'messaging.message.id': jti,
    'messaging.risc.event_type': eventType,
    'messaging.risc.attempt': attempts + 1,
    'messaging.risc.outcome': outcome.kind,
    ...(outcome.kind !== 'accepted' && { 'error.type': outcome.reason }),
  }
}

function readTraceparent(traceparent: string | undefined): SpanContext | undefined {
  const [, traceId = '', spanId = '', flags = ''] = /^00-(\w{32})-(\w{16})-(\w{2})$/.exec(traceparent ?? '') ?? []
  const created = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
  return isSpanContextValid(created) ? created : undefined
}
