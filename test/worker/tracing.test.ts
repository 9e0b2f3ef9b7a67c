import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import type { TestDatabase } from '../support/database.ts'
import { overhear } from '../support/overheard.ts'
import { test as base } from '../support/test.ts'
import { until } from '../support/until.ts'
import { finished, spawnCommand } from './cli/command.ts'
import { addStream } from './rows.ts'
import { TEST_KEY_SET } from './test-keys.ts'
import type { RecordedSpan } from './tracing/sdk.ts'

const run = promisify(execFile)
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const traced = (spansFile: string) => ({ SPANS_FILE: spansFile, NODE_OPTIONS: `--import=${here('tracing/sdk.ts')}` })

/** The project's `test` with `spansFile`, to which processes write the spans that they end. */
const test = base.extend(
  'spansFile', // biome-ignore lint/correctness/noEmptyPattern: vitest reads there what a fixture needs
  async ({}, { onCleanup }) => {
    const folder = await mkdtemp(join(tmpdir(), 'risc-spans-'))
    onCleanup(() => rm(folder, { recursive: true }))
    return join(folder, 'spans')
  },
)

/** An event about u-123, enqueued in a traced request of another process, which also asks `serviceUrl`. */
async function enqueueTraced(database: TestDatabase, serviceUrl: string, spansFile: string): Promise<void> {
  await database.query(`insert into risc.subjects (user_id, stream_id, subject)
    values ('u-123', 'bank', '{"format":"opaque","id":"8b1a-at-bank"}')`)
  await run(process.execPath, [here('tracing/idp.ts'), database.url, serviceUrl, 'u-123'], { env: traced(spansFile) })
}

/** Runs a worker until it has made as many attempts; all spans of all processes, and the worker's. */
async function attempt(
  count: number,
  database: TestDatabase,
  spansFile: string,
): Promise<{ readonly all: readonly RecordedSpan[]; readonly workers: readonly RecordedSpan[] }> {
  const env = {
    DATABASE_URL: database.url,
    RISC_ALLOW_LOOPBACK: 'true',
    RISC_CREDENTIAL_KEYS: TEST_KEY_SET,
    RISC_CONCURRENCY: '5',
  }
  const worker = spawnCommand(['run'], { ...env, ...traced(spansFile) })
  const all = await until(async () => {
    const lines = (await readFile(spansFile, 'utf8').catch(() => '')).split('\n').slice(0, -1)
    const spans = lines.map((line) => JSON.parse(line) as RecordedSpan)
    return spans.filter((span) => span.name === 'deliver bank').length >= count ? spans : undefined
  }, `${count} attempts`)
  worker.kill('SIGTERM')
  await finished(worker)
  const ours = all.filter(({ scope }) => scope.startsWith('risc-'))
  overhear('spans', JSON.stringify(ours))
  return { all, workers: all.filter(({ pid }) => pid === worker.pid) }
}

test('a trace shows enqueue and each attempt, with one trace id over two processes', async ({
  database,
  receiver,
  spansFile,
}) => {
  const partner = await receiver((_, n) => (n === 1 ? 'reset' : { status: n === 2 ? 503 : 202 }))
  await addStream(database.pool, { id: 'bank', endpoint_url: partner.url, retry_delays_ms: [0, 0] })
  await enqueueTraced(database, (await receiver()).url, spansFile)
  const { all, workers } = await attempt(3, database, spansFile)

  const request = all.find(({ name }) => name === 'POST /password')
  const enqueue = all.find(({ scope }) => scope === 'risc-outbox')
  const { traceId } = request ?? {}
  expect(enqueue).toMatchObject({ name: 'enqueue bank', kind: 'PRODUCER', traceId, parentSpanId: request?.spanId })
  expect(enqueue?.attributes).toEqual({
    'messaging.system': 'risc',
    'messaging.operation.name': 'enqueue',
    'messaging.operation.type': 'send',
    'messaging.destination.name': 'bank',
    'messaging.batch.message_count': 1,
    'messaging.message.id': expect.any(String),
    'messaging.message.conversation_id': expect.any(String),
  })

  const attempts = workers.filter(({ name }) => name === 'deliver bank')
  const posts = workers.filter(({ name }) => name === 'POST')
  expect(workers).toHaveLength(6)
  for (const [index, [outcome, reason, httpError, status]] of [
    ['retry', 'connection_lost', 'connection_lost', undefined],
    ['retry', 'server_error', '503', 503],
    ['accepted', undefined, undefined, 202],
  ].entries()) {
    const statusOfSpan = reason === undefined ? 'UNSET' : 'ERROR'
    expect(attempts[index]).toMatchObject({
      kind: 'CONSUMER',
      traceId,
      parentSpanId: enqueue?.spanId,
      links: [enqueue?.spanId],
      status: statusOfSpan,
    })
    expect(attempts[index]?.attributes).toEqual({
      'messaging.system': 'risc',
      'messaging.operation.name': 'deliver',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'bank',
      'messaging.message.id': enqueue?.attributes['messaging.message.id'],
      'messaging.risc.event_type': 'https://schemas.openid.net/secevent/risc/event-type/account-disabled',
      'messaging.risc.attempt': index + 1,
      'messaging.risc.outcome': outcome,
      ...(reason !== undefined && { 'error.type': reason }),
    })
    const parentSpanId = attempts[index]?.spanId
    expect(posts[index]).toMatchObject({ kind: 'CLIENT', traceId, parentSpanId, status: statusOfSpan })
    expect(posts[index]?.attributes).toEqual({
      'http.request.method': 'POST',
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(partner.url).port),
      ...(status !== undefined && { 'http.response.status_code': status }),
      ...(httpError !== undefined && { 'error.type': httpError }),
    })
  }
})

test('no span holds a SET, a subject, a credential, a path or the receiver’s words, and no receiver hears of the trace', async ({
  database,
  receiver,
  spansFile,
}) => {
  const service = await receiver()
  const partner = await receiver(() => ({ status: 400, body: '{"err":"invalid_issuer","description":"plainly no"}' }))
  await addStream(database.pool, {
    id: 'bank',
    endpoint_url: `${partner.url}hooks/s3cret?token=s3cret`,
    credential: 'Bearer s3cret',
  })
  await enqueueTraced(database, service.url, spansFile)
  const { all, workers } = await attempt(1, database, spansFile)

  expect(workers.map(({ scope }) => scope)).toEqual(['risc-worker', 'risc-worker'])
  const ours = all.filter(({ scope }) => scope.startsWith('risc-'))
  expect(ours).toHaveLength(3)
  expect(JSON.stringify(ours)).not.toMatch(/s3cret|hooks|u-123|8b1a|eyJ|plainly/)
  expect(partner.requests[0]?.headers).not.toHaveProperty('traceparent')
  // The same instrumented client tells anybody whom the application asks.
  expect(service.requests[0]?.headers).toHaveProperty('traceparent')
})

test('a delivery without a usable trace context begins a trace of its own', async ({
  database,
  receiver,
  spansFile,
}) => {
  const partner = await receiver()
  await addStream(database.pool, { id: 'bank', endpoint_url: partner.url })
  const zeros = `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`
  await database.query(
    `insert into risc.deliveries (stream_id, jti, txn, event_type, kid, signed_set, traceparent)
     values ('bank', 'one', 't', 'e', 'k', 'head', null), ('bank', 'two', 't', 'e', 'k', 'head', $1)`,
    [zeros],
  )
  const { workers } = await attempt(2, database, spansFile)
  const attempts = workers.filter(({ name }) => name === 'deliver bank')
  expect(new Set(attempts.map(({ traceId }) => traceId)).size).toBe(2)
  for (const { parentSpanId, links } of attempts) expect({ parentSpanId, links }).toEqual({ links: [] })
})
