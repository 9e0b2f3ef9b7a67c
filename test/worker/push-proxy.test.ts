import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished } from 'vitest'
import { test } from './pushing.ts'

const NAME = 'partner.example'

interface Proxy {
  readonly url: string
  /** What it was asked to connect to, with the credentials given. */
  readonly asked: readonly string[]
}

/** A forward proxy that knows every name as 127.0.0.1. `answer` is a status for every CONNECT instead, or silence. */
async function openProxy(answer?: number | 'silent'): Promise<Proxy> {
  const asked: string[] = []
  const server = createServer()
  server.on('connect', ({ url = '', headers }, socket) => {
    asked.push([url, headers['proxy-authorization']].filter((part) => part !== undefined).join(' '))
    socket.on('error', () => undefined)
    if (answer === 'silent') return
    if (answer !== undefined) return void socket.end(`HTTP/1.1 ${answer} x\r\n\r\n`)
    const onwards = connect(Number(url.split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 x\r\n\r\n')
      onwards.pipe(socket).pipe(onwards)
    })
    onwards.on('error', () => socket.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

describe('a proxy that is configured', () => {
  test('takes SETs to receivers, whose certificates are verified all the same', async ({
    authority,
    partner,
    pusher,
  }) => {
    const bank = await partner(await authority.issue({ names: [NAME] }))
    const proxy = await openProxy()
    const { push } = pusher({ httpsProxy: proxy.url.replace('//', '//me:pass@') })
    const more = { allowedPorts: [bank.port], tls: { caCertificates: authority.cert, client: undefined } }
    expect(await push(`https://${NAME}:${bank.port}/`, more)).toMatchObject({ kind: 'response', status: 202 })
    expect(await push(`https://${NAME}:${bank.port}/`, more)).toMatchObject({ kind: 'response', status: 202 })
    expect(proxy.asked).toEqual([`${NAME}:${bank.port} Basic ${btoa('me:pass')}`])
    const wrong = await push(`https://other.example:${bank.port}/`, more)
    expect(wrong).toEqual({ kind: 'failure', failure: 'certificate_wrong_name' })
  })

  test('is not asked for what the URL alone forbids', async ({ pusher }) => {
    const proxy = await openProxy()
    const { push } = pusher({ allowLoopback: false, httpsProxy: proxy.url })
    expect(await push('https://169.254.169.254/')).toEqual({ kind: 'blocked', rule: 'address_forbidden' })
    expect(await push('https://10.0.0.1/')).toEqual({ kind: 'blocked', rule: 'address_private' })
    expect(await push('https://localhost/')).toEqual({ kind: 'blocked', rule: 'url_not_allowed' })
    expect(proxy.asked).toEqual([])
  })

  test.for([
    [403, 'proxy_failed'],
    [407, 'proxy_failed'],
    [500, 'proxy_failed'],
    [502, 'unreachable'],
    [503, 'unreachable'],
    [504, 'unreachable'],
    ['silent', 'timeout'],
  ] as const)('that answers %s is told from a receiver in trouble: %s', async ([answer, failure], { pusher }) => {
    const proxy = await openProxy(answer)
    const { push } = pusher({ httpsProxy: proxy.url })
    expect(await push(`https://${NAME}/`, { timeoutMs: 500 })).toEqual({ kind: 'failure', failure })
  })

  test('that is not there is told from a receiver that is not there', async ({ partner, authority, pusher }) => {
    const bank = await partner(await authority.issue({}))
    const { push } = pusher({ httpsProxy: 'http://127.0.0.1:1' })
    const answer = await push(`https://${NAME}:${bank.port}/`, { allowedPorts: [bank.port] })
    expect(answer).toEqual({ kind: 'failure', failure: 'proxy_failed' })
  })
})

test('proxies of the environment are never asked', async ({ authority, nameServer, partner }) => {
  const bank = await partner(await authority.issue({ names: [NAME] }))
  const dns = await nameServer({ [NAME]: { a: ['127.0.0.1'] } })
  const { url, asked } = await openProxy()
  const order = {
    network: { allowLoopback: true, allowNat64: false, dnsServers: [dns.address] },
    connection: {
      endpointUrl: `https://${NAME}:${bank.port}/`,
      allowedNetworks: [],
      allowedPorts: [bank.port],
      tls: { caCertificates: authority.cert },
    },
  }
  const script = fileURLToPath(new URL('push-once.ts', import.meta.url))
  const child = spawn(process.execPath, [script, JSON.stringify(order)], {
    env: { NODE_USE_ENV_PROXY: '1', HTTPS_PROXY: url, https_proxy: url, HTTP_PROXY: url, ALL_PROXY: url },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  expect(JSON.parse(await text(child.stdout))).toMatchObject({ kind: 'response', status: 202 })
  expect(asked).toEqual([])
})
