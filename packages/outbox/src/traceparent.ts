import { context, isSpanContextValid, trace } from '@opentelemetry/api'

/** The active span as `traceparent` (W3C Trace Context §3.2), if there is one that can be written so. */
export function activeTraceparent(): string | null {
  const active = trace.getSpanContext(context.active())
  if (active === undefined || !isSpanContextValid(active)) return null
  const flags = (active.traceFlags & 0xff).toString(16).padStart(2, '0')
  return `00-${active.traceId}-${active.spanId}-${flags}`
}
