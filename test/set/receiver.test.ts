import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import {
  createReceiver,
  loadSigningKeys,
  nodeListener,
  publicJwks,
  type ReceiverOptions,
  signSet,
  type VerifiedSet,
} from 'risc-set'
import { describe, expect, test } from 'vitest'
import { audience, claimsOf, issuer, privateJwks } from './fixture.ts'

const keys = await loadSigningKeys({ keys: [privateJwks.ES256] })
const { jwt } = await signSet(claimsOf({ issuedAt: new Date() }), keys)
const type = { 'content-type': 'application/secevent+jwt', accept: 'application/json' }

/** A receiver behind node:http that keeps what it is given, and a client for it. */
async function listen(options: Partial<ReceiverOptions> = {}) {
  const stored: VerifiedSet[] = []
  const errors: unknown[] = []
  const receiver = createReceiver({
    issuer,
    audience,
    jwks: publicJwks(keys),
    onError: (error) => errors.push(error),
    onSet: async (set) => {
      if (stored.some(({ jti }) => jti === set.jti)) return 'duplicate'
      stored.push(set)
      return 'stored'
    },
    ...options,
  })
  const server = createServer(nodeListener(receiver)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    stored,
    errors,
    port,
    send: (init: RequestInit = {}) =>
      fetch(`http://127.0.0.1:${port}/events`, { method: 'POST', headers: type, body: jwt, ...init }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await once(server.close(), 'close')
    },
  }
}

test('a valid SET is answered 202 with an empty body, once it is stored', async () => {
  const stored = Promise.withResolvers<'stored'>()
  const asked = Promise.withResolvers<void>()
  let answered = false
  await using receiver = await listen({
    onSet: () => {
      asked.resolve()
      return stored.promise
    },
  })
  const response = receiver.send().finally(() => {
    answered = true
  })
  await asked.promise
  expect(answered).toBe(false)
  stored.resolve('stored')
  const { status, headers } = await response
  expect(status).toBe(202)
  expect(headers.get('content-length')).toBe('0')
  expect(await (await response).text()).toBe('')
})

test('a duplicate is answered as if it were new', async () => {
  await using receiver = await listen()
  const answers = [await receiver.send(), await receiver.send()]
  expect(answers.map(({ status }) => status)).toEqual([202, 202])
  expect(receiver.stored).toHaveLength(1)
})

test('an invalid SET is answered 400 with err and description, and the language', async () => {
  await using receiver = await listen({ audience: 'https://someone.else.example' })
  const response = await receiver.send()
  expect(response.status).toBe(400)
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(response.headers.get('content-language')).toBe('en')
  expect(await response.json()).toEqual({ err: 'invalid_audience', description: 'aud does not name this receiver' })
  expect(receiver.stored).toHaveLength(0)
})

test.for(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'])(
  'only POST is served: %s is answered 405',
  async (method) => {
    await using receiver = await listen()
    const response = await receiver.send({ method, body: method === 'PUT' || method === 'PATCH' ? jwt : null })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST')
  },
)

describe('Content-Type', () => {
  test.for([
    ['application/secevent+jwt', 202],
    ['Application/SecEvent+JWT; charset=utf-8', 202],
    ['application/json', 415],
    ['application/jwt', 415],
    ['application/secevent+jwtx', 415],
    ['', 415],
  ] as const)('%s is answered %d', async ([contentType, status]) => {
    await using receiver = await listen()
    const response = await receiver.send({ headers: { 'content-type': contentType } })
    expect(response.status).toBe(status)
  })
})

describe('a body that is too large is answered 413', () => {
  async function firstAnswer(port: number, raw: string): Promise<string> {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/secevent+jwt\r\n${raw}`)
    const [answer] = await once(socket, 'data')
    if (!socket.closed) await once(socket, 'close')
    return String(answer)
  }

  test('but one that is just small enough is read', async () => {
    await using receiver = await listen({ maxBodyBytes: jwt.length })
    expect((await receiver.send()).status).toBe(202)
    expect((await receiver.send({ body: `${jwt}x` })).status).toBe(413)
  })

  test('by what it says of itself, unread', async () => {
    await using receiver = await listen()
    const answer = await firstAnswer(receiver.port, 'Content-Length: 65537\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 413 [\s\S]*connection: close/i)
  })

  test('before it is read to its end, which may never come', async () => {
    await using receiver = await listen()
    const chunk = `a000\r\n${'x'.repeat(0xa000)}\r\n`
    const answer = await firstAnswer(receiver.port, `Transfer-Encoding: chunked\r\n\r\n${chunk}${chunk}`)
    expect(answer).toMatch(/^HTTP\/1\.1 413 [\s\S]*connection: close/i)
  })
})

describe('Authorization', () => {
  test.for([
    ['Bearer right', 202],
    ['Bearer older', 202],
    ['Bearer wrong', 400],
    ['bearer right', 400],
    ['Bearer righ', 400],
    ['', 400],
    [undefined, 400],
  ] as const)('%s is answered %d', async ([authorization, status]) => {
    await using receiver = await listen({ authorization: ['Bearer right', 'Bearer older'] })
    const response = await receiver.send({
      headers: { ...type, ...(authorization !== undefined && { authorization }) },
    })
    expect(response.status).toBe(status)
    if (status === 400) expect(await response.json()).toMatchObject({ err: 'authentication_failed' })
  })
})

describe('what the receiver itself cannot do is answered 503 without details, and told to the application', () => {
  test('when storing fails', async () => {
    const error = new Error('password of the database')
    await using receiver = await listen({ onSet: () => Promise.reject(error) })
    const response = await receiver.send()
    expect([response.status, await response.text()]).toEqual([503, ''])
    expect(receiver.errors).toEqual([error])
  })

  test('when the issuer’s keys cannot be had', async () => {
    await using receiver = await listen({ jwks: new URL('http://127.0.0.1:1/jwks') })
    const response = await receiver.send()
    expect([response.status, await response.text()]).toEqual([503, ''])
    expect(receiver.errors).toMatchObject([{ code: 'ERR_RISC_JWKS_UNAVAILABLE' }])
  })
})

test('a receiver whose keys would come over plain http is not made', () => {
  const jwks = new URL('http://idp.example/jwks')
  expect(() => createReceiver({ issuer, audience, jwks, onSet: async () => 'stored' })).toThrow('must be an https: URL')
})

describe('nodeListener', () => {
  async function answerOf(raw: string, handler: (request: Request) => Response | Promise<Response>): Promise<string> {
    const server = createServer(nodeListener(handler)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').end(raw)
    const answer = await text(socket)
    await once(server.close(), 'close')
    return answer
  }

  test('passes method, path, headers and body on, and the answer back', async () => {
    const raw =
      'POST /a?b=c HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi'
    const answer = await answerOf(raw, async (request) => {
      const { pathname, search } = new URL(request.url)
      const seen = [request.method, pathname + search, request.headers.get('x-a'), await request.text()]
      return new Response(seen.join('|'), { status: 201, headers: { 'x-b': '3' } })
    })
    expect(answer).toMatch(/^HTTP\/1\.1 201 [\s\S]*x-b: 3[\s\S]*\r\n\r\nPOST\|\/a\?b=c\|1, 2\|hi$/)
  })

  test('answers 500 without details when the handler fails', async () => {
    const raw = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
    const answer = await answerOf(raw, () => {
      throw new Error('secret')
    })
    expect(answer).toMatch(/^HTTP\/1\.1 500 /)
    expect(answer).not.toContain('secret')
  })

  test.for(['TRACE / HTTP/1.1', 'GET // HTTP/1.1'])('answers 400 to what is no Request: %s', async (line) => {
    const answer = await answerOf(`${line}\r\nHost: x\r\nConnection: close\r\n\r\n`, () => new Response())
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  })
})
