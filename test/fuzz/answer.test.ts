import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, onTestFinished } from 'vitest'
import type { Answer, Failure } from '../../packages/worker/src/answer.ts'
import { nextStep } from '../../packages/worker/src/next-step.ts'
import { judge } from '../../packages/worker/src/outcome.ts'
import { readRefusal } from '../../packages/worker/src/refusal.ts'
import { readRetryAfter } from '../../packages/worker/src/retry-after.ts'
import { SET, test } from '../worker/pushing.ts'
import { fuzz } from './fuzz.ts'

/** What a receiver writes, piece by piece, and what it does when it has. */
interface Script {
  readonly pieces: readonly { readonly bytes: Buffer; readonly pauseMs: number }[]
  readonly end: 'close' | 'reset' | 'silence'
}

const DEADLINE_MS = 300
/** What a machine with much else to do may take longer. */
const MACHINE_BUSY_MS = 10_000
const AT_ONCE = 20

const HEADS = [
  'HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n',
  'HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 47\r\n\r\n{"err":"invalid_request","description":"because"}',
  'HTTP/1.1 400 no\r\ntransfer-encoding: chunked\r\n\r\n17\r\n{"err":"access_denied"}\r\n0\r\n\r\n',
  'HTTP/1.1 503 later\r\nretry-after: 30\r\ndate: Wed, 25 Nov 2026 14:00:00 GMT\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
  'HTTP/1.1 307 there\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\nthere',
  'HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked, gzip\r\nset-cookie: a=b\r\n\r\n',
]
const odd = fc.constantFrom(
  '\r\n',
  '\n',
  '\r',
  '\0',
  ': ',
  'HTTP/1.1 ',
  'HTTP/2 ',
  'content-length: 99999999999999999999\r\n',
  'content-length: -1\r\n',
  'transfer-encoding: chunked\r\n',
  'fffffffffffffffff\r\n',
  '0\r\n\r\n',
  'x'.repeat(20_000),
  'a: b\r\n'.repeat(3000),
  'HTTP/1.1 102 Processing\r\n\r\n'.repeat(50),
  '{"err":'.repeat(600),
)
const garbage = fc.oneof(
  odd.map((text) => Buffer.from(text, 'latin1')),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
)

/** A head that is right but for what is put into it, taken out of it or written over. */
const mutated = fc
  .tuple(
    fc.constantFrom(...HEADS),
    fc.array(fc.tuple(fc.nat(300), fc.nat(20), garbage, fc.boolean()), { maxLength: 4 }),
  )
  .map(([head, changes]) =>
    changes.reduce(
      (bytes, [at, cut, put, keep]) =>
        Buffer.concat([bytes.subarray(0, at), put.subarray(0, 20_000), bytes.subarray(keep ? at : at + cut)]),
      Buffer.from(head, 'latin1'),
    ),
  )

const script: fc.Arbitrary<Script> = fc
  .record({
    bytes: fc.oneof({ arbitrary: mutated, weight: 4 }, { arbitrary: garbage, weight: 1 }),
    cuts: fc.array(fc.nat(400), { maxLength: 4 }),
    pauseMs: fc.constantFrom(0, 0, 0, 5, 60),
    end: fc.constantFrom('close', 'reset', 'silence'),
  })
  .map(({ bytes, cuts, pauseMs, end }) => {
    const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length]
    return { pieces: edges.slice(1).map((to, n) => ({ bytes: bytes.subarray(edges[n], to), pauseMs })), end }
  })

async function play({ pieces, end }: Script, socket: Socket): Promise<void> {
  for (const { bytes, pauseMs } of pieces) {
    if (pauseMs > 0) await sleep(pauseMs)
    if (socket.destroyed) return
    socket.write(bytes)
  }
  if (end === 'close') socket.end()
  if (end === 'reset') socket.resetAndDestroy()
}

/** A receiver at whose path `/n` the `n`th of its scripts is played, whatever was asked. */
async function openStage(): Promise<{ url: string; scripts: readonly Script[] }> {
  const stage = { url: '', scripts: [] as readonly Script[] }
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      const [, n] = /^POST \/(\d+) /.exec(chunk.toString('latin1')) ?? []
      const script = stage.scripts[Number(n)]
      if (script !== undefined) void play(script, socket)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  stage.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return stage
}

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const budget = fc.record({
  attempts: fc.nat(10),
  retryDelaysMs: fc.array(fc.nat(86_400_000), { maxLength: 10 }),
  expiresInMs: fc.integer({ min: -1e12, max: 1e12 }),
  probe: fc.boolean(),
  urgent: fc.boolean(),
})

/** Whatever came, it means something that can be settled. */
function expectSaneStep(
  answer: Exclude<Answer, { kind: 'aborted' }>,
  last: string | undefined,
  [sum, random]: [Parameters<typeof nextStep>[1], number],
): void {
  const outcome = judge(answer, last)
  expect(['accepted', 'refused', 'retry', 'hold', 'pause']).toContain(outcome.kind)
  const step = nextStep(outcome, sum, random)
  expect(['accepted', 'retry', 'dead']).toContain(step.next)
  if (step.next === 'retry') expect(step.delayMs).toSatisfy((ms) => Number.isSafeInteger(ms) && ms >= 0)
}

test('whatever bytes come, every push comes to an answer within its deadline, at bounded memory', async ({
  pusher,
}) => {
  const stage = await openStage()
  const { push } = pusher()
  await fuzz(
    fc.asyncProperty(
      fc.array(script, { minLength: 1, maxLength: AT_ONCE }),
      budget,
      chance,
      async (scripts, sum, random) => {
        stage.scripts = scripts
        const startedAt = performance.now()
        const answers = await Promise.all(scripts.map((_, n) => push(`${stage.url}/${n}`, { timeoutMs: DEADLINE_MS })))
        expect(performance.now() - startedAt).toBeLessThan(DEADLINE_MS + MACHINE_BUSY_MS)
        for (const answer of answers) {
          if (answer.kind === 'aborted') throw new Error('nobody aborted it')
          if (answer.kind === 'response')
            expect(answer.status).toSatisfy((n) => Number.isInteger(n) && n >= 100 && n <= 999)
          expectSaneStep(answer, undefined, [sum, random])
        }
        expect(process.memoryUsage().rss).toBeLessThan(1e9)
      },
    ),
  )
})

const said = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.json(),
  fc.record({ err: fc.anything(), description: fc.anything() }).map((body) => String(JSON.stringify(body, noBigInt))),
  fc
    .record({ err: fc.string(), description: fc.string({ unit: 'binary', maxLength: 4000 }) })
    .map((body) => JSON.stringify(body)),
  fc.nat(4096).map((depth) => `{"err":"a","description":"b","c":${'['.repeat(depth)}`),
)
const noBigInt = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value)
const set = fc.oneof(
  fc.constant(SET),
  fc.string({ maxLength: 100 }),
  fc.json().map((claims) => `a.${Buffer.from(claims).toString('base64url')}.c`),
)

test('whatever a refusal says, what is kept of it is short and can be shown', async () => {
  await fuzz(
    fc.asyncProperty(said, set, async (body, signedSet) => {
      const refusal = readRefusal(body.slice(0, 4096), signedSet)
      expect(refusal?.description ?? '').toSatisfy((text) => text.length <= 500 && !/\p{Cc}/u.test(text))
    }),
  )
})

const header = fc.option(
  fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.bigInt().map(String),
    fc
      .date({ noInvalidDate: false })
      .map((date) => (Number.isNaN(date.getTime()) ? 'Wed, 99 Nov' : date.toUTCString())),
  ),
  { nil: undefined },
)
const FAILURES: readonly Failure[] = ['timeout', 'stale_connection', 'proxy_failed', 'tls_failed', 'unreadable_answer']
const answer: fc.Arbitrary<Exclude<Answer, { kind: 'aborted' }>> = fc.oneof(
  fc
    .record({
      kind: fc.constant('response' as const),
      status: fc.integer({ min: 100, max: 999 }),
      retryAfter: fc.tuple(header, header),
      refusal: fc.option(fc.record({ err: fc.oneof(fc.string(), fc.constantFrom('invalid_key', 'access_denied')) })),
    })
    .map(({ kind, status, retryAfter: [after, date], refusal }) => {
      const retryAfterMs = readRetryAfter(after, date)
      return { kind, status, ...(retryAfterMs !== undefined && { retryAfterMs }), ...(refusal !== null && { refusal }) }
    }),
  fc.record({ kind: fc.constant('failure' as const), failure: fc.constantFrom(...FAILURES) }),
  fc.record({ kind: fc.constant('blocked' as const), rule: fc.constantFrom('url_not_allowed', 'address_private') }),
)

test('whatever is answered, and whatever it asks to wait for, the next step can be recorded', async () => {
  const last = fc.option(fc.constantFrom('stale_connection', 'timeout'), { nil: undefined })
  await fuzz(
    fc.asyncProperty(answer, last, budget, chance, async (given, before, sum, random) =>
      expectSaneStep(given, before, [sum, random]),
    ),
  )
})
