import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { createServer, getCACertificates, setDefaultCACertificates, type TlsOptions } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { type Connection, tryConnection } from '../../../../packages/worker/src/cli/checks/connection.ts'
import type { StreamTls } from '../../../../packages/worker/src/stream-connection.ts'
import { type Certificate, createAuthority, inDays, type Subject } from '../../../support/certificates.ts'

const NAME = 'partner.example'
const WITHIN_MS = 5000
const SYSTEM: StreamTls = { caCertificates: undefined, client: undefined }

/** A certificate, and the authority of its own that issued it. */
interface Issued extends Certificate {
  readonly authority: string
}

async function certify(subject: Subject): Promise<Issued> {
  const authority = await createAuthority()
  return { ...(await authority.issue(subject)), authority: authority.cert }
}

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket.on('error', () => undefined)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** A server behind TLS, and what it was sent when all was encrypted. */
async function serve({ cert, key }: Certificate, options: TlsOptions = {}): Promise<{ port: number; sent: Buffer[] }> {
  const sent: Buffer[] = []
  const server = createServer({ cert, key, ...options }, (socket) => {
    socket.on('error', () => undefined).on('data', (data: Buffer) => sent.push(data))
  })
  server.on('tlsClientError', () => undefined)
  return { port: await listen(server), sent }
}

function trust({ authority }: Issued): void {
  const before = getCACertificates('default')
  onTestFinished(() => setDefaultCACertificates(before))
  setDefaultCACertificates([...before, authority])
}

const connect = (port: number, name = NAME, withinMs = WITHIN_MS): Promise<Connection> =>
  tryConnection({ endpointUrl: `https://${name}:${port}/events`, tls: SYSTEM }, ['127.0.0.1'], withinMs)

test('an endpoint with a good certificate is connected to, by TLS 1.2 or newer, and sent nothing', async () => {
  const certificate = await certify({ names: [NAME], notAfter: inDays(30) })
  const { port, sent } = await serve(certificate)
  trust(certificate)
  expect(await connect(port)).toEqual({ kind: 'secured', protocol: 'TLSv1.3', validTo: expect.any(Date) })
  const { port: older } = await serve(certificate, { maxVersion: 'TLSv1.2' })
  expect(await connect(older)).toMatchObject({ kind: 'secured', protocol: 'TLSv1.2' })
  expect(sent).toEqual([])
})

test.for<[failure: string, subject: Subject, trusted: boolean]>([
  ['certificate_wrong_name', { names: ['other.example'] }, true],
  ['certificate_expired', { names: [NAME], notBefore: inDays(-9), notAfter: inDays(-1) }, true],
  ['certificate_not_yet_valid', { names: [NAME], notBefore: inDays(1) }, true],
  ['certificate_untrusted', { names: [NAME] }, false],
])('%s is told in a word', async ([failure, subject, trusted]) => {
  const certificate = await certify(subject)
  const { port } = await serve(certificate)
  if (trusted) trust(certificate)
  expect(await connect(port)).toEqual({ kind: 'failed', failure })
})

test('a receiver that wants a client certificate is found out where there is none, by TLS 1.3 and before', async () => {
  const certificate = await certify({ names: [NAME] })
  trust(certificate)
  const demanding: TlsOptions = { ca: certificate.authority, requestCert: true, rejectUnauthorized: true }
  const { port } = await serve(certificate, demanding)
  expect(await connect(port)).toEqual({ kind: 'failed', failure: 'client_certificate_required' })
  const { port: older } = await serve(certificate, { ...demanding, maxVersion: 'TLSv1.2' })
  expect(await connect(older)).toEqual({ kind: 'failed', failure: expect.any(String) })
})

test('a receiver that never closes a connection is as good as another', async () => {
  const certificate = await certify({ names: [NAME] })
  trust(certificate)
  const { port } = await serve(certificate, { allowHalfOpen: true })
  expect(await connect(port)).toMatchObject({ kind: 'secured' })
})

test('TLS older than 1.2 is no TLS', async () => {
  const certificate = await certify({ names: [NAME] })
  const ciphers = 'DEFAULT@SECLEVEL=0'
  const { port } = await serve(certificate, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers })
  trust(certificate)
  expect(await connect(port)).toEqual({ kind: 'failed', failure: 'tls_version' })
})

test('a server that speaks no TLS, hangs up, never speaks or is not there is told apart', async () => {
  const plain = await listen(createTcpServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')))
  const hangsUp = await listen(createTcpServer((socket) => socket.destroy()))
  const silent = await listen(createTcpServer())
  const gone = createTcpServer()
  const port = await listen(gone)
  gone.close()
  expect(await connect(plain)).toEqual({ kind: 'failed', failure: 'tls_version' })
  expect(await connect(hangsUp)).toEqual({ kind: 'failed', failure: 'connection_lost' })
  expect(await connect(silent, NAME, 200)).toEqual({ kind: 'failed', failure: 'timeout' })
  expect(await connect(port)).toEqual({ kind: 'failed', failure: 'connection_refused' })
})

test('an endpoint that has several addresses is connected to at one that answers', async () => {
  const certificate = await certify({ names: [NAME] })
  const { port } = await serve(certificate)
  trust(certificate)
  const endpoint = { endpointUrl: `https://${NAME}:${port}/`, tls: SYSTEM }
  expect(await tryConnection(endpoint, ['127.0.0.2', '127.0.0.1'], WITHIN_MS)).toMatchObject({ kind: 'secured' })
})

test('a receiver on loopback without TLS is connected to as it is', async () => {
  const port = await listen(createTcpServer())
  const endpoint = { endpointUrl: `http://127.0.0.1:${port}/`, tls: SYSTEM }
  expect(await tryConnection(endpoint, ['127.0.0.1'], WITHIN_MS)).toEqual({ kind: 'connected' })
})

test('a stream’s own authorities and client certificate are used, and the name is asked for', async () => {
  const certificate = await certify({ names: [NAME] })
  const names: string[] = []
  const { port } = await serve(certificate, {
    ca: certificate.authority,
    requestCert: true,
    SNICallback(name, done) {
      names.push(name)
      done(null)
    },
  })
  const client = { certificate: certificate.cert, privateKey: certificate.key }
  const endpoint = { endpointUrl: `https://${NAME}:${port}/`, tls: { caCertificates: certificate.authority, client } }
  expect(await tryConnection(endpoint, ['127.0.0.1'], WITHIN_MS)).toMatchObject({ kind: 'secured' })
  expect(names).toEqual([NAME])
})
