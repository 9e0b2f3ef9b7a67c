import { describe, expect, onTestFinished } from 'vitest'
import { createAgents } from '../../packages/worker/src/agents.ts'
import type { NetworkConfig } from '../../packages/worker/src/config.ts'
import { fetchToken, type WantedToken } from '../../packages/worker/src/oauth-token.ts'
import { createTokens, type Tokens } from '../../packages/worker/src/oauth-tokens.ts'
import { createResolver } from '../../packages/worker/src/resolver.ts'
import type { Reply } from '../support/receiver.ts'
import { until } from '../support/until.ts'
import { test } from './pushing.ts'

const NAME = 'login.example'
const REQUEST = { client_id: 'risc', client_authentication: 'client_secret_basic' } as const

interface TokenClient {
  /** Asks as a delivery does; a token is told by its text, with a mark when it was got for this call. */
  get(tokenEndpoint: string, more?: Partial<WantedToken>): Promise<object>
  /** Takes a token as a delivery does that will find it refused; what is returned drops it. */
  take(tokenEndpoint: string): Promise<() => void>
  /** Resolves when so many requests have come to an end. */
  ended(n: number): Promise<unknown>
  /** Lets time go by for what is kept. */
  pass(ms: number): void
}

function tokenClient(config: Partial<NetworkConfig> = {}): TokenClient {
  const network = { allowLoopback: true, allowNat64: false, dnsServers: [], httpsProxy: undefined, ...config }
  const agents = createAgents(network)
  onTestFinished(() => agents.destroy())
  const tools = { agents, resolve: createResolver(network), signal: new AbortController().signal }
  let passed = 0
  let ended = 0
  const fetch = (wanted: WantedToken): ReturnType<typeof fetchToken> =>
    fetchToken(wanted, tools).finally(() => {
      ended++
    })
  const tokens = createTokens({ fetch, now: () => passed, random: () => 0 })
  const ask = (token_endpoint: string, more: Partial<WantedToken> = {}): ReturnType<Tokens['get']> =>
    tokens.get({ ...WANTED, request: { ...REQUEST, token_endpoint }, ...more })
  return {
    async get(tokenEndpoint, more) {
      const answer = await ask(tokenEndpoint, more)
      return answer.kind === 'token' ? { token: answer.token, isFresh: answer.isFresh } : answer
    },
    async take(tokenEndpoint) {
      const answer = await ask(tokenEndpoint)
      return () => (answer.kind === 'token' ? answer.drop() : undefined)
    },
    ended: (n) => until(async () => (ended < n ? undefined : ended), `the end of ${n} token requests`),
    pass(ms) {
      passed += ms
    },
  }
}

const connection = {
  endpointUrl: 'https://partner.example/',
  allowedNetworks: [],
  allowedPorts: [],
  tls: { caCertificates: undefined, client: undefined },
}
const WANTED = { streamId: 'a', secret: 's3cret', connection, withinMs: 3000 }

const issue = (token: string, more: object = {}) => ({
  status: 200,
  body: JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 100, ...more }),
})
const fresh = (token: string): object => ({ token, isFresh: true })
const kept = (token: string): object => ({ token, isFresh: false })

describe('a token', () => {
  test('is asked for once, however many wait for it', async ({ receiver }) => {
    const login = await receiver(() => ({ ...issue('t1'), delayMs: 50 }))
    const client = tokenClient()
    const all = await Promise.all(Array.from({ length: 200 }, () => client.get(login.url)))
    expect(new Set(all.map((one) => JSON.stringify(one)))).toEqual(new Set([JSON.stringify(fresh('t1'))]))
    expect(await client.get(login.url)).toEqual(kept('t1'))
    expect(login.requests).toHaveLength(1)
    expect(login.requests[0]).toMatchObject({
      method: 'POST',
      body: 'grant_type=client_credentials',
      headers: { authorization: `Basic ${btoa('risc:s3cret')}`, accept: 'application/json', connection: 'close' },
    })
  })

  test('is used for nineteen twentieths of its life, and renewed before, while nobody waits', async ({ receiver }) => {
    const login = await receiver((_, n) => (n === 2 ? { status: 500 } : issue(`t${n}`)))
    const client = tokenClient()
    await client.get(login.url)
    client.pass(79_000)
    expect(await client.get(login.url)).toEqual(kept('t1'))
    expect(login.requests).toHaveLength(1)
    client.pass(1000)
    expect(await client.get(login.url)).toEqual(kept('t1')) // the endpoint is in trouble, and nobody feels it
    await client.ended(2)
    client.pass(1000)
    expect(await client.get(login.url)).toEqual(kept('t1'))
    await client.ended(3)
    expect(await client.get(login.url)).toEqual(kept('t3'))
    expect(login.requests).toHaveLength(3)
    client.pass(95_000)
    expect(await client.get(login.url)).toEqual(fresh('t4'))
  })

  test('that is dropped is got anew, once for all who drop it', async ({ receiver }) => {
    const login = await receiver((_, n) => issue(`t${n}`))
    const client = tokenClient()
    const [drop, dropLate] = [await client.take(login.url), await client.take(login.url)]
    drop()
    expect(await Promise.all([client.get(login.url), client.get(login.url)])).toEqual([fresh('t2'), fresh('t2')])
    dropLate()
    expect(await client.get(login.url)).toEqual(kept('t2'))
  })

  test('is each stream’s own, and is not kept when its settings or its secret change', async ({ receiver }) => {
    const login = await receiver((_, n) => issue(`t${n}`))
    const client = tokenClient()
    expect(await client.get(login.url)).toEqual(fresh('t1'))
    expect(await client.get(login.url, { streamId: 'b' })).toEqual(fresh('t2'))
    expect(await client.get(login.url)).toEqual(kept('t1'))
    expect(await client.get(login.url, { secret: 'another' })).toEqual(fresh('t3'))
    const request = { ...REQUEST, token_endpoint: login.url, scope: 'ssf.write' }
    expect(await client.get(login.url, { request })).toEqual(fresh('t4'))
  })
})

describe('a token endpoint that gives none', () => {
  test.for<[string, Reply, object]>([
    ['is in trouble', { status: 500 }, { kind: 'token_unavailable', cause: 'server_error' }],
    ['cuts the connection', 'reset', { kind: 'token_unavailable', cause: 'connection_lost' }],
    ['never answers', 'hang', { kind: 'token_unavailable', cause: 'timeout' }],
    [
      'says too much',
      issue('t', { more: 'x'.repeat(20_000) }),
      { kind: 'token_unavailable', cause: 'unreadable_answer' },
    ],
    [
      'leads elsewhere',
      { status: 307, headers: { location: 'http://127.0.0.1:1/' } },
      { kind: 'token_unavailable', cause: 'redirected' },
    ],
    [
      'refuses the client',
      { status: 401, body: '{"error":"invalid_client"}' },
      { kind: 'token_refused', error: 'invalid_client' },
    ],
  ])(
    'since it %s is asked again no sooner than a second later, whoever waits',
    async ([, reply, answer], { receiver }) => {
      const login = await receiver((_, n) => (n === 1 ? reply : issue('t2')))
      const client = tokenClient()
      const ask = (): Promise<object> => client.get(login.url, { withinMs: 500 })
      expect(await Promise.all(Array.from({ length: 50 }, ask))).toEqual(Array(50).fill(answer))
      client.pass(999)
      expect(await ask()).toEqual(answer)
      expect(login.requests).toHaveLength(1)
      client.pass(1)
      expect(await ask()).toEqual(fresh('t2'))
    },
  )

  test('is asked more and more seldom, every ten seconds at last', async ({ receiver }) => {
    const login = await receiver(() => ({ status: 500 }))
    const client = tokenClient()
    for (const [index, restMs] of [1000, 2000, 4000, 8000, 10_000, 10_000].entries()) {
      await client.get(login.url)
      client.pass(restMs - 1)
      await client.get(login.url)
      expect(login.requests).toHaveLength(index + 1)
      client.pass(1)
    }
  })

  test('is left alone for as long as it asks, ten minutes at most', async ({ receiver }) => {
    const login = await receiver((_, n) => ({ status: 503, headers: { 'retry-after': n === 1 ? '60' : '86400' } }))
    const client = tokenClient()
    expect(await client.get(login.url)).toMatchObject({ cause: 'server_error', retryAfterMs: 60_000 })
    client.pass(59_999)
    await client.get(login.url)
    expect(login.requests).toHaveLength(1)
    client.pass(1)
    await client.get(login.url)
    client.pass(600_000)
    await client.get(login.url)
    expect(login.requests).toHaveLength(3)
  })
})

describe('the rules about addresses and TLS hold for a token endpoint too', () => {
  test('no address is connected to that the stream does not allow', async ({ nameServer, receiver }) => {
    const login = await receiver(() => issue('t'))
    const dns = await nameServer({ [NAME]: { a: ['10.1.2.3', '127.0.0.1'] }, 'inside.example': { a: ['10.1.2.3'] } })
    const client = tokenClient({ allowLoopback: false, dnsServers: [dns.address] })
    const blocked = (rule: string): object => ({ kind: 'token_blocked', rule })
    expect(await client.get(login.url)).toEqual(blocked('url_not_allowed'))
    expect(await client.get(`https://${NAME}/`)).toEqual(blocked('address_forbidden'))
    expect(await client.get('https://inside.example/')).toEqual(blocked('address_private'))
    expect(await client.get('https://169.254.169.254/token')).toEqual(blocked('address_forbidden'))
    expect(await client.get(`https://${NAME}:8443/`)).toEqual(blocked('url_not_allowed'))
    expect(login.requests).toEqual([])
  })

  test('one that cannot be trusted gets no byte of the secret', async ({ authority, nameServer, partner }) => {
    const login = await partner(await authority.issue({ names: ['other.example'] }))
    const dns = await nameServer({ [NAME]: { a: ['127.0.0.1'] } })
    const client = tokenClient({ dnsServers: [dns.address] })
    const trusting = {
      ...connection,
      allowedPorts: [login.port],
      tls: { caCertificates: authority.cert, client: undefined },
    }
    expect(await client.get(`https://${NAME}:${login.port}/`, { connection: trusting })).toEqual({
      kind: 'token_unavailable',
      cause: 'certificate_wrong_name',
    })
    expect(login).toMatchObject({ connections: 1, received: '' })
  })

  test('the stream’s certificate is shown at the receiver’s own origin alone', async ({
    authority,
    nameServer,
    partner,
  }) => {
    const login = await partner(await authority.issue({ names: [NAME] }), { ca: authority.cert, requestCert: true })
    const dns = await nameServer({ [NAME]: { a: ['127.0.0.1'] } })
    const client = tokenClient({ dnsServers: [dns.address] })
    const { cert, key } = await authority.issue({})
    const tls = { caCertificates: authority.cert, client: { certificate: cert, privateKey: key } }
    const url = `https://${NAME}:${login.port}/`
    const known = { ...connection, allowedPorts: [login.port], tls }
    expect(await client.get(url, { connection: known })).toMatchObject({ cause: 'client_certificate_required' })
    expect(login.received).toBe('')
    // It answers 202, which is no token; but it was asked.
    expect(await client.get(url, { connection: { ...known, endpointUrl: url } })).toMatchObject({
      cause: 'unexpected_status',
    })
    expect(login.received).toContain('grant_type=client_credentials')
  })
})
