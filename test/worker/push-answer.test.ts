import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setInterval as ticks } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, onTestFinished } from 'vitest'
import { SET, test } from './pushing.ts'

interface RawPartner {
  readonly url: string
  /** What left it, of all that it would have sent. */
  readonly written: number
}

/** Answers each connection's first bytes by `speak`, whatever HTTP says of it. */
async function rawPartner(speak: (socket: Socket) => unknown): Promise<RawPartner> {
  const sockets = new Set<Socket>()
  let written = 0
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      written += socket.bytesWritten
    })
    socket.once('data', () => speak(socket))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    get written() {
      return written
    },
  }
}

async function drip(socket: Socket, text: string): Promise<void> {
  for await (const _ of ticks(20)) {
    if (socket.destroyed) return
    socket.write(text)
  }
}

/** Writes as fast as it is read, until the other end has had enough. */
function pour(socket: Socket, text: string): void {
  const chunk = text.repeat(Math.ceil(65_536 / text.length))
  const more = (): void => {
    while (!socket.destroyed && socket.write(chunk));
  }
  socket.on('drain', more)
  more()
}

const failure = (name: string): object => ({ kind: 'failure', failure: name })
const TIMEOUT = failure('timeout')
const answered = (status: number): object => ({ kind: 'response', status })
const MUCH = 10_000_000

describe('whatever is sent for an answer, the push comes to an outcome', () => {
  test.for<[string, (socket: Socket) => unknown, object]>([
    ['nothing', () => undefined, TIMEOUT],
    [
      'a head that drips',
      (socket) => {
        socket.write('HTTP/1.1 202 x\r\n')
        return drip(socket, 'x: y\r\n')
      },
      TIMEOUT,
    ],
    [
      'eleven interim answers',
      (socket) => socket.write('HTTP/1.1 103 x\r\n\r\n'.repeat(11)),
      failure('unreadable_answer'),
    ],
    ['interim answers without end', (socket) => pour(socket, 'HTTP/1.1 100 x\r\n\r\n'), failure('unreadable_answer')],
    [
      'another protocol',
      (socket) => socket.write('HTTP/1.1 101 x\r\nconnection: upgrade\r\nupgrade: y\r\n\r\n'),
      failure('unreadable_answer'),
    ],
    ['a header without end', (socket) => pour(socket, 'HTTP/1.1 202 x\r\nx: '), failure('unreadable_answer')],
    ['headers without end', (socket) => pour(socket, 'HTTP/1.1 202 x\r\nx: y\r\n'), failure('unreadable_answer')],
    ['no HTTP', (socket) => socket.end('220 mail.example ESMTP\r\n'), failure('unreadable_answer')],
    ['HTTP/0.9', (socket) => socket.end('<html>hello</html>'), failure('unreadable_answer')],
    [
      'two lengths',
      (socket) => socket.end('HTTP/1.1 202 x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx'),
      failure('unreadable_answer'),
    ],
    [
      'a length and chunks',
      (socket) => socket.end('HTTP/1.1 202 x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'),
      failure('unreadable_answer'),
    ],
    ['a closed connection', (socket) => socket.end(), failure('connection_lost')],
    ['a reset', (socket) => socket.resetAndDestroy(), failure('connection_lost')],
    ['half a head', (socket) => socket.end('HTTP/1.1 202 Acc'), failure('connection_lost')],
    ['less than it promised', (socket) => socket.end('HTTP/1.1 202 x\r\ncontent-length: 9\r\n\r\nx'), answered(202)],
    [
      'a body that drips',
      (socket) => {
        socket.write('HTTP/1.1 202 x\r\ntransfer-encoding: chunked\r\n\r\n')
        return drip(socket, '1\r\nx\r\n')
      },
      answered(202),
    ],
    [
      'a reason that drips',
      (socket) => {
        socket.write('HTTP/1.1 400 x\r\ntransfer-encoding: chunked\r\n\r\n')
        return drip(socket, '1\r\n \r\n')
      },
      TIMEOUT,
    ],
    ['a body without end', (socket) => pour(socket, 'HTTP/1.1 202 x\r\n\r\nxxxxxxxx'), answered(202)],
    ['a reason without end', (socket) => pour(socket, 'HTTP/1.1 400 x\r\n\r\nxxxxxxxx'), answered(400)],
    [
      'garbage for a chunk',
      (socket) => socket.write('HTTP/1.1 202 x\r\ntransfer-encoding: chunked\r\n\r\ngarbage\r\n'),
      answered(202),
    ],
    [
      'chunk extensions without end',
      (socket) => {
        socket.write('HTTP/1.1 202 x\r\ntransfer-encoding: chunked\r\n\r\n1;')
        pour(socket, 'x=y;')
      },
      answered(202),
    ],
    ['a status that HTTP does not know', (socket) => socket.end('HTTP/1.1 999 x\r\n\r\n'), answered(999)],
  ])('%s', async ([, speak, expected], { pusher }) => {
    const timeoutMs = expected === TIMEOUT ? 600 : 10_000
    const partner = await rawPartner(speak)
    const { push } = pusher()
    const answer = await push(partner.url, { timeoutMs })
    expect(answer).toMatchObject(expected)
    expect(partner.written).toBeLessThan(MUCH) // what the system's buffers take
  })

  test('nothing, to the greeting of TLS', async ({ pusher }) => {
    const partner = await rawPartner(() => undefined)
    const answer = await pusher().push(partner.url.replace('http:', 'https:'), { timeoutMs: 300 })
    expect(answer).toEqual(TIMEOUT)
  })

  test('again and again: garbage behind a head ends no process', async ({ pusher }) => {
    const partner = await rawPartner((socket) =>
      socket.end('HTTP/1.1 400 x\r\ntransfer-encoding: chunked\r\n\r\ngarbage\r\n'),
    )
    const { push } = pusher()
    const answers = await Promise.all(Array.from({ length: 50 }, () => push(partner.url)))
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['failure']))
  })
})

describe('a reason', () => {
  test.for([
    ['a bomb stays as small as it came', 'x'.repeat(10_000_000)],
    ['what is compressed says nothing', 'no'],
  ] as const)('is never decompressed: %s', async ([, description], { pusher }) => {
    const bomb = gzipSync(JSON.stringify({ err: 'invalid_request', description }))
    const partner = await rawPartner((socket) => {
      const head = `HTTP/1.1 400 x\r\ncontent-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`
      socket.end(Buffer.concat([Buffer.from(head), bomb]))
    })
    const answer = await pusher().push(partner.url)
    expect(answer).toMatchObject(answered(400))
    expect(answer).not.toHaveProperty('refusal')
  })

  test('that quotes the SET is kept without it', async ({ pusher, receiver }) => {
    const partner = await receiver(({ body, headers }) => ({
      status: 400,
      body: JSON.stringify({ err: 'invalid_request', description: `cannot read ${body} ${JSON.stringify(headers)}` }),
    }))
    const answer = await pusher().push(partner.url)
    expect(answer).toMatchObject({ status: 400, refusal: { err: 'invalid_request' } })
    expect(JSON.stringify(answer)).not.toContain(SET)
  })
})
