import fc from 'fast-check'
import { base64url, CompactSign, exportJWK, generateKeyPair } from 'jose'
import { createOutbox, type OutboxTransaction } from 'risc-outbox'
import {
  createReceiver,
  InvalidEventError,
  loadSigningKeys,
  publicJwks,
  RiscError,
  resolveEvent,
  verifySet,
} from 'risc-set'
import { expect, test } from 'vitest'
import { examples } from '../set/event-examples.ts'
import { expectSilence } from '../support/overheard.ts'
import { fuzz } from './fuzz.ts'

const { privateKey } = await generateKeyPair('ES256', { extractable: true })
const keys = await loadSigningKeys({ keys: [{ ...(await exportJWK(privateKey)), kid: 'a', alg: 'ES256' }] })
const issuer = 'https://idp.example/'

const cyclic: Record<string, unknown> = {}
cyclic['cyclic'] = [cyclic]
let deep: unknown = 'deep'
for (let depth = 0; depth < 100_000; depth++) deep = depth % 2 === 0 ? { deep } : [deep]

const strange = fc.oneof(
  fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
    withObjectString: true,
  }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom<unknown>(
    cyclic,
    deep,
    Symbol('a'),
    () => 'a',
    '\ud800',
    'a\0b',
    '__proto__',
    'constructor',
    'toString',
    'x'.repeat(100_000),
    new Proxy({}, {}),
    new Proxy([], {}),
    new Error('a'),
    Number.NaN,
    -0,
    1e308,
    new Array(1000),
    { toJSON: () => 'a' },
    { [Symbol.toPrimitive]: 1 },
    { format: 'aliases', identifiers: [{ format: 'aliases', identifiers: [] }] },
    { format: 'email', email: 'jane.doe@mail.example' },
    { format: 'complex', user: { format: 'opaque', id: 'a' } },
    JSON.parse('{"__proto__":{"format":"opaque"}}'),
  ),
)

/** An example with members changed, or anything at all. */
const event = fc.oneof(
  {
    arbitrary: fc
      .tuple(
        fc.constantFrom(...Object.values<object>(examples)),
        fc.array(
          fc.tuple(
            fc.constantFrom(
              'type',
              'subject',
              'reason',
              'event_timestamp',
              'reason_admin',
              'claims',
              'user',
              'state',
              'new-value',
            ),
            strange,
          ),
          { maxLength: 3 },
        ),
        fc.dictionary(fc.string(), strange, { maxKeys: 1 }),
      )
      .map(([example, changed, more]) => ({ user: 'u-1', ...example, ...Object.fromEntries(changed), ...more })),
    weight: 4,
  },
  { arbitrary: fc.record({ type: fc.webUrl(), user: strange, claims: strange }), weight: 1 },
  { arbitrary: strange, weight: 1 },
)

test('any event resolves to JSON, or is refused with every problem', async () => {
  await fuzz(
    fc.asyncProperty(event, async (given) => {
      try {
        const { user: _, ...claims } = resolveEvent(given) as unknown as { readonly user?: unknown }
        expect(JSON.parse(JSON.stringify(claims))).toEqual(claims)
      } catch (error) {
        if (!(error instanceof InvalidEventError)) throw error
        expect(error.problems).not.toEqual([])
      }
      expectSilence()
    }),
  )
})

test('any event enqueues, or is refused before anything is asked', async () => {
  const outbox = createOutbox({ issuer, keys })
  await fuzz(
    fc.asyncProperty(fc.oneof(event, fc.array(event, { maxLength: 3 })), async (given) => {
      let asked = 0
      const nobody: OutboxTransaction = {
        query: async (_text, values) => {
          asked++
          expect(values.every((value) => typeof value === 'string')).toBe(true)
          return { rows: [] }
        },
      }
      try {
        await outbox.enqueue(nobody, given as never)
      } catch (error) {
        if (!(error instanceof RiscError)) throw error
        expect(asked).toBe(0)
      }
      expectSilence()
    }),
  )
})

const claims = fc.oneof(
  fc.jsonValue(),
  fc
    .tuple(
      fc.dictionary(
        fc.constantFrom('iss', 'aud', 'iat', 'jti', 'txn', 'sub_id', 'sub', 'exp', 'events', 'toe', '__proto__'),
        fc.oneof(fc.jsonValue(), fc.constantFrom('a', 1e308, -1, [], {})),
      ),
      fc.dictionary(fc.webUrl(), fc.jsonValue(), { maxKeys: 2 }),
      fc.boolean(),
    )
    .map(([odd, events, whole]) => ({
      iss: issuer,
      aud: 'a',
      iat: 1,
      jti: 'a',
      sub_id: { format: 'opaque', id: 'a' },
      events,
      ...(whole ? {} : odd),
    })),
)
const header = fc
  .dictionary(fc.constantFrom('typ', 'kid', 'crit', 'b64', 'jku', 'zip', 'cty', '__proto__'), fc.jsonValue())
  .map((more) => ({ alg: 'ES256', typ: 'secevent+jwt', kid: 'a', ...more }))

/** Tokens that are signed as they should be, whatever they say; some of them broken afterwards; and no tokens. */
const token = fc.oneof(
  fc.tuple(header, claims, fc.boolean(), fc.nat(400), fc.string({ maxLength: 5 })).map((parts) => async () => {
    const [head, said, breaks, at, put] = parts
    const signed = await new CompactSign(Buffer.from(JSON.stringify(said) ?? ''))
      .setProtectedHeader({ alg: 'ES256', typ: 'secevent+jwt', kid: 'a' })
      .sign(privateKey)
    const [, ...rest] = signed.split('.')
    const odd = [base64url.encode(JSON.stringify(head)), ...rest].join('.')
    return breaks ? odd.slice(0, at) + put + odd.slice(at + 1) : signed
  }),
  fc.string({ unit: 'binary' }).map((text) => async () => text),
  fc
    .array(
      fc.string({ maxLength: 20 }).map((part) => base64url.encode(part)),
      { maxLength: 6 },
    )
    .map((parts) => async () => parts.join('.')),
)
const profile = fc.constantFrom('ssf' as const, 'login.gov' as const)

test('any token verifies, or is refused with what RFC 8935 has for it', async () => {
  const jwks = publicJwks(keys)
  await fuzz(
    fc.asyncProperty(token, profile, async (make, spoken) => {
      const body = await make()
      const failures: unknown[] = []
      const options = { issuer, audience: 'a', jwks, profile: spoken }
      const receive = createReceiver({
        ...options,
        onSet: async () => 'stored',
        onError: (error) => failures.push(error),
      })
      const headers = { 'content-type': 'application/secevent+jwt' }
      const { status } = await receive(new Request('http://receiver.example/', { method: 'POST', body, headers }))
      expect([202, 400], String(failures[0])).toContain(status)
      await verifySet(body, options).catch((error: unknown) => expect(error).toBeInstanceOf(RiscError))
      expectSilence()
    }),
  )
})
