import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import {
  createReceiver,
  jwksDocument,
  loadSigningKeys,
  nodeListener,
  publicJwks,
  riscConfiguration,
  signSet,
  ssfConfiguration,
} from 'risc-set'
import { describe, expect, test } from 'vitest'
import { audience, claimsOf, issuer, privateJwks } from './fixture.ts'

const keys = await loadSigningKeys({ keys: [privateJwks.ES256] })
const { jwt } = await signSet(claimsOf({ issuedAt: new Date() }), keys)

const errors: unknown[] = []
const receive = createReceiver({
  issuer,
  audience,
  jwks: publicJwks(keys),
  maxBodyBytes: 2048,
  onSet: async () => 'stored',
  onError: (error) => errors.push(error),
})
const ssf = ssfConfiguration({ issuer: `${issuer}tenant`, jwks_uri: `${issuer}jwks.json` })
const risc = riscConfiguration({ issuer, jwks_uri: `${issuer}jwks.json` })
const handlers = new Map<string, Parameters<typeof nodeListener>[0]>([
  ['/events', receive],
  ['/jwks.json', jwksDocument(keys)],
  [ssf.path, ssf],
  [risc.path, risc],
])

const nodeHttp = async (): Promise<Server> => {
  const handler = (request: Request) => {
    const { pathname } = new URL(request.url)
    return handlers.get(pathname)?.(request) ?? new Response(null, { status: 404 })
  }
  return createServer(nodeListener(handler)).listen(0)
}

const frameworks: Readonly<Record<string, () => Promise<Server>>> = {
  async Express() {
    const app = express()
    for (const [path, handler] of handlers) {
      app.all(path, nodeListener(handler)) // before any body parser
    }
    return app.listen(0)
  },

  async Fastify() {
    const app = fastify()
    for (const [path, handler] of handlers) {
      app.all(path, {
        onRequest: (_, reply) => nodeListener(handler)(reply.hijack().request.raw, reply.raw),
        handler() {},
      })
    }
    await app.listen()
    return app.server
  },

  async Hono() {
    const app = new Hono()
    for (const [path, handler] of handlers) {
      app.all(path, (c) => handler(c.req.raw))
    }
    return (createAdaptorServer(app) as Server).listen(0)
  },
}

const type = 'application/secevent+jwt'
const post = (body: string, contentType = type): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': contentType, accept: 'application/json' },
  body,
})

const requests: readonly [name: string, path: string, init: RequestInit][] = [
  ['a SET', '/events', post(jwt)],
  ['a forged SET', '/events', post(`${jwt.slice(0, -4)}AAAA`)],
  ['no SET at all', '/events', post('')],
  ['a SET under another content type', '/events', post(jwt, 'application/json')],
  ['a form', '/events', post('a=b', 'application/x-www-form-urlencoded')],
  ['bytes without a content type', '/events', { method: 'POST', body: Buffer.from(jwt) }],
  ['a body that is too large', '/events', post('x'.repeat(2049))],
  ['GET where SETs are received', '/events', {}],
  ['HEAD where SETs are received', '/events', { method: 'HEAD' }],
  ['DELETE where SETs are received', '/events', { method: 'DELETE' }],
  ['the key set', '/jwks.json', {}],
  ['HEAD of the key set', '/jwks.json', { method: 'HEAD' }],
  ['the key set, known', '/jwks.json', { headers: { 'if-none-match': '*' } }],
  ['POST to the key set', '/jwks.json', post('{}', 'application/json')],
  ['ssf-configuration', ssf.path, {}],
  ['risc-configuration', risc.path, {}],
]

/** How each framework frames and signs an answer is its own. */
const ownHeaders = ['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding', 'x-powered-by']

async function answersOf(start: () => Promise<Server>) {
  const answers: Record<string, { status: number; headers: object; body: string }> = {}
  await using server = await listening(start)
  for (const [name, path, init] of requests) {
    const response = await fetch(`http://localhost:${server.port}${path}`, init)
    const headers = [...response.headers].filter(([header]) => !ownHeaders.includes(header))
    answers[name] = { status: response.status, headers: Object.fromEntries(headers), body: await response.text() }
  }
  return answers
}

async function listening(start: () => Promise<Server>) {
  const server = await start()
  if (!server.listening) await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await once(server.close(), 'close')
    },
  }
}

describe('every handler answers alike wherever it is mounted', async () => {
  const expected = await answersOf(nodeHttp)

  test('node:http', () => {
    expect(Object.entries(expected).map(([name, { status }]) => [name, status])).toEqual([
      ['a SET', 202],
      ['a forged SET', 400],
      ['no SET at all', 400],
      ['a SET under another content type', 415],
      ['a form', 415],
      ['bytes without a content type', 415],
      ['a body that is too large', 413],
      ['GET where SETs are received', 405],
      ['HEAD where SETs are received', 405],
      ['DELETE where SETs are received', 405],
      ['the key set', 200],
      ['HEAD of the key set', 200],
      ['the key set, known', 304],
      ['POST to the key set', 405],
      ['ssf-configuration', 200],
      ['risc-configuration', 200],
    ])
    expect(expected['DELETE where SETs are received']?.headers).toEqual({ allow: 'POST' })
  })

  test.for(Object.entries(frameworks))('%s', async ([, start]) => {
    expect(await answersOf(start)).toEqual(expected)
  })
})

test('a SET whose body a parser has read is asked for again, and the application told why', async () => {
  await using server = await listening(async () =>
    express().use(express.text({ type }), nodeListener(receive)).listen(0),
  )
  const { status } = await fetch(`http://localhost:${server.port}/events`, post(jwt))
  expect(status).toBe(503)
  expect(errors).toEqual([new TypeError('the body was read before nodeListener: mount it before any body parser')])
})

test('the README mounts as this file does', () => {
  const [, mounts = ''] = /```ts\n([^`]*Fastify[^`]*)```/.exec(read('packages/set/README.md')) ?? []
  const lines = mounts.split('\n').flatMap((line) => line.replace(/\/\/ .*/, '').trim() || [])
  const source = read('test/set/mount.test.ts')
  expect(lines).toHaveLength(7)
  expect(lines.filter((line) => !source.includes(line))).toEqual([])
})

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
}
