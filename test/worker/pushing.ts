import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Server, type TlsOptions } from 'node:tls'
import { createAgents } from '../../packages/worker/src/agents.ts'
import type { Answer } from '../../packages/worker/src/answer.ts'
import type { NetworkConfig } from '../../packages/worker/src/config.ts'
import { push } from '../../packages/worker/src/push.ts'
import { createResolver } from '../../packages/worker/src/resolver.ts'
import type { StreamConnection } from '../../packages/worker/src/stream-connection.ts'
import { type Authority, type Certificate, createAuthority } from '../support/certificates.ts'
import { type DnsServer, openDnsServer, type Zone } from '../support/dns-server.ts'
import { test as base } from './started-worker.ts'

/** A partner behind TLS on 127.0.0.1 that accepts every request, unless `onRequest` answers otherwise. */
export interface TlsPartner {
  readonly port: number
  /** Connections that were made, by TCP alone. */
  readonly connections: number
  /** All that came through TLS. */
  readonly received: string
}

/** Pushes as a worker does, for one stream. */
export interface Pusher {
  push(endpointUrl: string, more?: PushMore): Promise<Answer>
}

export interface PushMore extends Partial<Omit<StreamConnection, 'endpointUrl'>> {
  readonly timeoutMs?: number
}

const ACCEPTED = 'HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n'
export const SET = 'eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiJhIiwiaWF0IjoxfQ.c2lnbmF0dXJlLW9mLWEtc2V0'

/** The project's `test` with what pushing is tested with: an authority, name servers, partners behind TLS, pushers. */
export const test = base
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads there what a fixture needs
  .extend('authority', { scope: 'file' }, async ({}): Promise<Authority> => createAuthority())
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads there what a fixture needs
  .extend('nameServer', async ({}, { onCleanup }) => {
    const opened: DnsServer[] = []
    onCleanup(() => {
      for (const server of opened) server.close()
    })
    return async (zone: Zone): Promise<DnsServer> => {
      const server = await openDnsServer(zone)
      opened.push(server)
      return server
    }
  })
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads there what a fixture needs
  .extend('partner', async ({}, { onCleanup }) => {
    const opened: Server[] = []
    onCleanup(() => {
      for (const server of opened) server.close()
    })
    return async (certificate: Certificate, options: TlsOptions & { host?: string } = {}): Promise<TlsPartner> => {
      const partner = { port: 0, connections: 0, received: '' }
      const server = createServer({ ...certificate, ...options }, (socket) => {
        socket.on('error', () => undefined)
        socket.on('data', (chunk) => {
          partner.received += chunk
          if (/\r\n\r\n./.test(String(chunk))) socket.write(ACCEPTED)
        })
      })
      server.on('connection', () => partner.connections++)
      server.on('tlsClientError', () => undefined)
      opened.push(server)
      await once(server.listen(0, options.host ?? '127.0.0.1'), 'listening')
      partner.port = (server.address() as AddressInfo).port
      return partner
    }
  })
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads there what a fixture needs
  .extend('pusher', async ({}, { onCleanup }) => {
    const done: (() => void)[] = []
    onCleanup(() => {
      for (const end of done) end()
    })
    return (config: Partial<NetworkConfig> = {}, now?: () => number): Pusher => {
      const network = { allowLoopback: true, allowNat64: false, dnsServers: [], httpsProxy: undefined, ...config }
      const agents = createAgents(network, now)
      done.push(() => agents.destroy())
      const streamId = randomUUID()
      const tools = { agents, resolve: createResolver(network, now), signal: new AbortController().signal }
      return {
        push(endpointUrl, { timeoutMs = 3000, ...connection } = {}) {
          const tls = { caCertificates: undefined, client: undefined }
          const whole = { endpointUrl, allowedNetworks: [], allowedPorts: [], tls, ...connection }
          const request = { streamId, connection: whole, signedSet: SET, authorizationHeader: undefined, timeoutMs }
          return push(request, tools)
        },
      }
    }
  })
