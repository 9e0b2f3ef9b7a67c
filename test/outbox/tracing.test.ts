import { context, type SpanContext, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import fc from 'fast-check'
import type { PoolClient } from 'pg'
import type { QueryableTransaction } from 'risc-outbox'
import { afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { overhear } from '../support/overheard.ts'
import { type Idp, test } from './idp.ts'

const exporter = new InMemorySpanExporter()

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }))
})

beforeEach(() => exporter.reset())
afterEach(() =>
  overhear(
    'spans',
    JSON.stringify(exporter.getFinishedSpans().map(({ name, attributes, events }) => ({ name, attributes, events }))),
  ),
)

/** Runs `act` as a request that is traced, whose context is `given` if that is told. */
function inRequest<Result>(act: () => Promise<Result>, given?: SpanContext): Promise<Result> {
  const span = given ? trace.wrapSpanContext(given) : trace.getTracer('idp').startSpan('POST /login')
  return context.with(trace.setSpan(context.active(), span), act)
}

const traceparents = async ({ pool }: Idp): Promise<(string | null)[]> =>
  (await pool.query('select traceparent from risc.deliveries order by id')).rows.map((row) => row.traceparent)

test('every delivery of a call carries the context of its producer span', async ({ idp }) => {
  await idp.addStream('a')
  await idp.addStream('b')
  await idp.addUser('u-1', 'a', 'b')
  const enqueue = (trx: PoolClient) => idp.outbox.enqueue(trx, { type: 'account-disabled', user: 'u-1' })
  const { txn } = await inRequest(() => idp.transaction(enqueue))
  const [span] = exporter.getFinishedSpans()
  expect(span?.name).toBe('enqueue')
  expect(span?.attributes).toEqual({
    'messaging.system': 'risc',
    'messaging.operation.name': 'enqueue',
    'messaging.operation.type': 'send',
    'messaging.batch.message_count': 2,
    'messaging.message.conversation_id': txn,
  })
  const { traceId, spanId } = span?.spanContext() ?? {}
  expect(await traceparents(idp)).toEqual(Array(2).fill(`00-${traceId}-${spanId}-01`))
})

test('a SET about a stream carries the context of the request that sends it', async ({ idp }) => {
  await idp.addStream('a')
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  const request = { traceId, spanId: 'b7ad6b7169203331', traceFlags: 0 }
  await inRequest(
    () =>
      idp.transaction(async (trx) => {
        await idp.outbox.verifyStream(trx, { streamId: 'a' })
        await idp.outbox.setStreamStatus(trx, { streamId: 'a', status: 'paused' })
      }),
    request,
  )
  expect(await traceparents(idp)).toEqual(Array(2).fill(`00-${traceId}-b7ad6b7169203331-00`))
})

test('an enqueue that fails says by which code, and quotes nobody', async ({ idp }) => {
  await idp.addStream('a')
  const failing = idp.createOutbox({ recipients: () => Promise.reject(new TypeError('no such user as u-1')) })
  const enqueuing = idp.transaction((trx) => failing.enqueue(trx, { type: 'account-disabled', user: 'u-1' }))
  await expect(enqueuing).rejects.toThrow('no such user as u-1')
  await expect(
    idp.transaction((trx) => idp.outbox.enqueue(trx, { type: 'account-disabled', user: '' })),
  ).rejects.toMatchObject({ code: 'ERR_RISC_INVALID_EVENT' })
  const spans = exporter.getFinishedSpans()
  expect(spans.map(({ attributes }) => attributes['error.type'])).toEqual(['TypeError', 'ERR_RISC_INVALID_EVENT'])
  for (const { status, events } of spans) expect({ status, events }).toEqual({ status: { code: 2 }, events: [] })
})

test('whatever a tracer calls a trace context, an event is enqueued, and only what W3C knows is kept', async ({
  idp,
}) => {
  await idp.addStream('a')
  await idp.addUser('u-1', 'a')
  const hex = (length: number) =>
    fc.string({ unit: fc.constantFrom(...'0123456789abcdefA'), minLength: length, maxLength: length })
  const id = (length: number) =>
    fc.oneof(hex(length), fc.string({ unit: 'binary', maxLength: 2 * length }), fc.constant('f'.repeat(100_000)))
  trace.disable() // without an SDK, the span of enqueue has whatever context was active
  const traceFlags = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(-1, Number.NaN))
  await fc.assert(
    fc.asyncProperty(id(32), id(16), traceFlags, async (traceId, spanId, traceFlags) => {
      const enqueue = async (trx: PoolClient) => {
        await trx.query('delete from risc.deliveries')
        return idp.outbox.enqueue(trx, { type: 'account-disabled', user: 'u-1' })
      }
      const { deliveries } = await inRequest(() => idp.transaction(enqueue), { traceId, spanId, traceFlags })
      expect(deliveries).toHaveLength(1)
      const [traceparent = null] = await traceparents(idp)
      const kept = `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`
      expect([null, kept]).toContain(traceparent)
      const known = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
      if (known.test(kept)) expect(traceparent).toBe(kept)
      else expect(traceparent).toBeNull()
    }),
    { numRuns: 60 },
  )
})

test.for([
  ['an empty text', ''],
  ['one that goes on', `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01-more`],
  ['dashes elsewhere', `00-${'-'.repeat(32)}-${'b'.repeat(16)}-01`],
  ['another version', `01-${'a'.repeat(32)}-${'b'.repeat(16)}-01`],
  ['a long text', 'a'.repeat(100_000)],
] as const)('risc.enqueue leaves out a trace context that is none: %s', async ([, traceparent], { idp }) => {
  await idp.addStream('a')
  await idp.addUser('u-1', 'a')
  const enqueue = (trx: PoolClient) =>
    idp.outbox.enqueue(saying(traceparent, trx), { type: 'account-disabled', user: 'u-1' })
  expect((await idp.transaction(enqueue)).deliveries).toHaveLength(1)
  expect(await traceparents(idp)).toEqual([null])
})

/** A transaction whose deliveries are given `traceparent` on their way to the database. */
function saying(traceparent: string, trx: PoolClient): QueryableTransaction {
  return {
    query(text, values) {
      const [transactionName, deliveries] = values
      if (!text.includes('risc.enqueue')) return trx.query(text, values)
      const changed = (JSON.parse(`${deliveries}`) as object[]).map((delivery) => ({ ...delivery, traceparent }))
      return trx.query(text, [transactionName, JSON.stringify(changed)])
    },
  }
}
