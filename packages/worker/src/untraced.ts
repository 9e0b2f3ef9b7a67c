import { context, createContextKey } from '@opentelemetry/api'

/**
 * Lets nobody else trace what `act` does: an instrumented HTTP client would record the whole URL, which may hold a secret,
 * and tell the receiver of the IdP's trace.
 */
export function untraced<Result>(act: () => Promise<Result>): Promise<Result> {
  // Part of no API, but known by this name to each SDK and instrumentation.
  const suppressed = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING')
  return context.with(context.active().setValue(suppressed, true), act)
}
