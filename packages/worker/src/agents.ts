import http from 'node:http'
import https from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import type { Duplex } from 'node:stream'
import { createSecureContext, type SecureContext } from 'node:tls'
import { isKeyOfCertificate, UnusableClientKeyError } from './client-key.ts'
import type { NetworkConfig } from './config.ts'
import { endpointRules } from './endpoint.ts'
import type { EndpointRules } from './endpoint-url.ts'
import { createRecent } from './recent.ts'
import { isSameConnection, type StreamConnection, type StreamTls } from './stream-connection.ts'

/** The kept-alive connections of one stream, under the rules of the settings that it has now. */
export interface StreamAgents {
  /** As got takes it. */
  readonly agent: { readonly http: http.Agent; readonly https: https.Agent }
  /** What the stream and this worker allow. */
  readonly rules: EndpointRules
  /** New connections are made to these addresses alone, whatever the name may resolve to by then. */
  pin(addresses: readonly string[]): void
}

/** Kept-alive connections, each stream's for itself, so that no stream's settings leak into another's sockets. */
export interface Agents {
  /**
   * Connections made under settings that the stream has left are not used again.
   *
   * @throws {@link UnusableClientKeyError}
   * @throws if the authorities that the stream trusts cannot be read
   */
  of(streamId: string, connection: StreamConnection): StreamAgents
  /** Whether all go through a proxy of our own. */
  readonly proxied: boolean
  destroy(): void
}

type Clock = () => number

const FREE_IDLE_SOCKETS_MS = 60_000
/** A connection that is always in use would never learn that the name has moved. */
const RENEW_CONNECTIONS_MS = 300_000

interface Kept {
  readonly connection: StreamConnection
  readonly agents: StreamAgents
}

/**
 * Keeps the connections of each stream until its settings change or nobody has pushed to it for ten minutes, and each of
 * them for five minutes at most.
 *
 * @param now a monotonic clock, in milliseconds
 */
export function createAgents(config: NetworkConfig, now: Clock = () => performance.now()): Agents {
  const kept = createRecent<Kept>(now, ({ agents }) => close(agents))

  return {
    proxied: config.httpsProxy !== undefined,
    of(streamId, connection) {
      const known = kept.get(streamId)
      if (known !== undefined && isSameConnection(known.connection, connection)) return known.agents
      const agents = openAgents(connection, config, now)
      kept.set(streamId, { connection, agents })
      return agents
    },
    destroy() {
      for (const { agents } of kept.values()) close(agents)
    },
  }
}

function close({ agent }: StreamAgents): void {
  agent.http.destroy()
  agent.https.destroy()
}

function openAgents(connection: StreamConnection, config: NetworkConfig, now: Clock): StreamAgents {
  const { httpsProxy } = config
  let pinned: readonly string[] = []
  // Said to have no proxy: an agent that says nothing may come to be given that of the environment.
  const shared = { keepAlive: true, timeout: FREE_IDLE_SOCKETS_MS, proxyEnv: {} }
  const agent = {
    http: new http.Agent(shared), // for literal addresses alone: what they are was judged
    https: new RenewingAgent(now, {
      ...shared,
      secureContext: secureContext(connection.tls), // once: it costs more than a request does
      rejectUnauthorized: true,
      maxCachedSessions: 0, // a resumed session shows no certificate, and nobody looks whether it has expired meanwhile
      autoSelectFamily: true,
      lookup: lookUpIn(() => pinned),
      ...(httpsProxy !== undefined && { proxyEnv: { HTTPS_PROXY: httpsProxy } }),
    }),
  }
  return {
    agent,
    rules: endpointRules(connection, config),
    pin(addresses) {
      pinned = addresses
    },
  }
}

/**
 * What a stream trusts and shows.
 *
 * @throws {@link UnusableClientKeyError}
 * @throws if the authorities cannot be read
 */
export function secureContext({ caCertificates, client }: StreamTls): SecureContext {
  if (client !== undefined && !isKeyOfCertificate(client)) throw new UnusableClientKeyError()
  return createSecureContext({
    minVersion: 'TLSv1.2',
    ...(caCertificates !== undefined && { ca: caCertificates }),
    ...(client !== undefined && { cert: client.certificate, key: client.privateKey }),
  })
}

/**
 * For every connection, also the second one that Happy Eyeballs tries, so that nothing is looked up unjudged. With a
 * proxy nothing is pinned, so that a Node too old to know of proxies connects to nobody instead.
 */
export function lookUpIn(pinned: () => readonly string[]): LookupFunction {
  return (_hostname, { all }, done) => {
    const addresses = pinned().map((address) => ({ address, family: isIP(address) }))
    const [first] = addresses
    if (first === undefined)
      done(new Error('no address was judged'), '') // an empty list would end the process
    else if (all) done(null, addresses)
    else done(null, first.address, first.family)
  }
}

class RenewingAgent extends https.Agent {
  readonly #now: Clock
  readonly #keptSince = new WeakMap<Duplex, number>()

  constructor(now: Clock, options: https.AgentOptions) {
    super(options)
    this.#now = now
  }

  override keepSocketAlive(socket: Duplex): boolean {
    const since = this.#keptSince.get(socket) ?? this.#now()
    this.#keptSince.set(socket, since)
    if (this.#now() - since > RENEW_CONNECTIONS_MS) return false
    // Typed void, but false for a server that keeps no connection.
    return (super.keepSocketAlive(socket) as unknown) !== false
  }
}
