// Loaded by `--import` into a process under test, as an operator would load theirs: an SDK, an HTTP client that is traced
// without being asked, and an exporter that appends each span to the file that SPANS_FILE names.
import { appendFileSync } from 'node:fs'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'

/** A span as a test reads it. */
export interface RecordedSpan {
  readonly pid: number
  readonly scope: string
  readonly name: string
  readonly kind: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly links: readonly string[]
  readonly status: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly events: readonly unknown[]
}

function toRecord(span: ReadableSpan): RecordedSpan {
  const { traceId, spanId } = span.spanContext()
  return {
    pid: process.pid,
    scope: span.instrumentationScope.name,
    name: span.name,
    kind: SpanKind[span.kind],
    traceId,
    spanId,
    ...(span.parentSpanContext && { parentSpanId: span.parentSpanContext.spanId }),
    links: span.links.map((link) => link.context.spanId),
    status: SpanStatusCode[span.status.code],
    attributes: span.attributes,
    events: span.events,
  }
}

const file = process.env['SPANS_FILE'] ?? ''
const exporter = {
  export(spans: ReadableSpan[], done: (result: { code: number }) => void) {
    appendFileSync(file, spans.map((span) => `${JSON.stringify(toRecord(span))}\n`).join(''))
    done({ code: 0 })
  },
  shutdown: async () => undefined,
}

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
propagation.setGlobalPropagator(new W3CTraceContextPropagator())
trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }))
new HttpInstrumentation()
createRequire(import.meta.url)('node:http') // it instruments what is required from now on
syncBuiltinESMExports()
