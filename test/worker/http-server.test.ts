import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test as base, expect } from 'vitest'
import { type Page, serve } from '../../packages/worker/src/http-server.ts'

const PAGE: Page = { status: 200, contentType: 'text/plain', body: 'grün\n' }

// biome-ignore lint/correctness/noEmptyPattern: vitest reads there what a fixture needs
const test = base.extend('served', async ({}, { onCleanup }) => {
  const errors: unknown[] = []
  const pages = new Map<string, () => Page>([
    ['/page', () => PAGE],
    [
      '/broken',
      () => {
        throw new Error('secret')
      },
    ],
  ])
  const server = await serve(pages, { host: '127.0.0.1', port: 0 }, (error) => errors.push(error))
  onCleanup(() => server.close())
  return { port: server.port, url: `http://127.0.0.1:${server.port}`, errors }
})

/** Sends bytes as they are. Returns the first line of what comes back, once the server has closed. */
async function send(port: number, bytes: string): Promise<string | undefined> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(bytes)
  return (await text(socket)).split('\r\n')[0]
}

test('a page is served to GET and, without its body, to HEAD', async ({ served }) => {
  const response = await fetch(`${served.url}/page?whatever`)
  expect({ status: response.status, type: response.headers.get('content-type'), body: await response.text() }).toEqual({
    status: 200,
    type: 'text/plain',
    body: 'grün\n',
  })
  const head = await fetch(`${served.url}/page`, { method: 'HEAD' })
  expect({ status: head.status, length: head.headers.get('content-length'), body: await head.text() }).toEqual({
    status: 200,
    length: '6',
    body: '',
  })
})

test.for(['POST', 'PUT', 'DELETE', 'OPTIONS'])('%s is answered with 405', async (method, { served }) => {
  const response = await fetch(`${served.url}/page`, { method })
  expect({ status: response.status, allow: response.headers.get('allow') }).toEqual({ status: 405, allow: 'GET, HEAD' })
})

test.for(['/', '/page/', '/constructor', '/__proto__', '/%70age'])(
  '%s is answered with 404',
  async (path, { served }) => {
    expect((await fetch(served.url + path)).status).toBe(404)
  },
)

test('a page that fails is answered with 500 and no more words', async ({ served }) => {
  const response = await fetch(`${served.url}/broken`)
  expect({ status: response.status, body: await response.text() }).toEqual({ status: 500, body: 'failed\n' })
  expect(served.errors).toHaveLength(1)
})

test.for([
  ['431', 'headers without end', `GET /page HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(10_000)}\r\n\r\n`],
  ['400', 'no HTTP', 'hello\r\n\r\n'],
  ['408', 'headers that do not end', 'GET /page HTTP/1.1\r\nhost: a\r\n'],
  ['200', 'a body that does not end', 'GET /page HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n1'],
])('answers %s to %s, and hangs up', async ([status = '', , bytes = ''], { served }) => {
  expect(await send(served.port, bytes)).toContain(status)
})
