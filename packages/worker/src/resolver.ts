import { Resolver } from 'node:dns/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NetworkConfig } from './config.ts'
import type { Resolve } from './endpoint.ts'
import { errorCode } from './error-code.ts'

interface AddressRecord {
  readonly address: string
  readonly ttl: number
}

interface Known {
  readonly addresses: Promise<readonly string[]>
  /** Not yet known while the question is out. */
  until?: number
}

/** A silent name server is given up after two seconds: c-ares waits longer the second time. */
const PATIENCE = { timeout: 500, tries: 2 }
/** How long the IPv6 addresses are waited for when the IPv4 ones are there. */
const GRACE_MS = 100
const MOST_NAMES = 1000
/** Of each family: what is left out is not connected to, and need not be judged before every push. */
const MOST_ADDRESSES = 16
const SHORTEST_MS = 5_000
const LONGEST_MS = 60_000

/**
 * Makes a resolver that remembers an answer for as long as its records allow, from 5 seconds to a minute.
 *
 * It asks the name servers for the name as it is: no search list, no hosts file. The system's own look-up has four
 * threads, so that eight silent names held up every other one for 16 seconds. With a proxy it asks nobody.
 *
 * @param now a monotonic clock, in milliseconds
 */
export function createResolver(
  { dnsServers: servers, httpsProxy }: NetworkConfig,
  now: () => number = () => performance.now(),
): Resolve {
  if (httpsProxy !== undefined) return async () => []
  const names = new Map<string, Known>()

  function ask(hostname: string): Known {
    const records = lookUp(hostname, servers)
    const known: Known = { addresses: records.then((found) => found.map(({ address }) => address)) }
    names.delete(hostname)
    names.set(hostname, known)
    const [oldest] = names.keys()
    if (names.size > MOST_NAMES && oldest !== undefined) names.delete(oldest)
    records.then(
      (found) => {
        const shortestTtl = Math.min(...found.map(({ ttl }) => ttl))
        known.until = now() + Math.min(Math.max(shortestTtl * 1000, SHORTEST_MS), LONGEST_MS)
      },
      () => {
        if (names.get(hostname) === known) names.delete(hostname)
      },
    )
    return known
  }

  return (hostname, withinMs) => {
    const known = names.get(hostname)
    if (known?.until !== undefined && now() < known.until) return known.addresses
    const asked = known !== undefined && known.until === undefined ? known : ask(hostname)
    return within(withinMs, asked.addresses)
  }
}

/** All addresses of a name, IPv6 first (RFC 8305 §4). An empty list would end the process, inside `node:net`. */
async function lookUp(hostname: string, servers: readonly string[]): Promise<readonly AddressRecord[]> {
  const resolver = new Resolver(PATIENCE) // made anew: it reads the system's settings only once
  if (servers.length > 0) resolver.setServers(servers)
  const later = resolver.resolve6(hostname, { ttl: true }).catch(() => [])
  let complete = true
  const ipv4 = await resolver.resolve4(hostname, { ttl: true }).catch((error: unknown) => {
    complete = ['ENODATA', 'ENOTFOUND'].includes(errorCode(error))
    return []
  })
  const ipv6 = await (ipv4.length === 0 ? later : Promise.race([later, sleep(GRACE_MS, [], { ref: false })]))
  const records = [...ipv6.slice(0, MOST_ADDRESSES), ...ipv4.slice(0, MOST_ADDRESSES)]
  if (records.length === 0) throw new Error('the name has no address')
  // Where the IPv4 addresses were not told, a host without IPv6 would reach nobody for as long as this is remembered.
  return complete ? records : records.map(({ address }) => ({ address, ttl: 0 }))
}

async function within<Value>(ms: number, promise: Promise<Value>): Promise<Value> {
  const inTime = new AbortController()
  const late = sleep(ms, undefined, { signal: inTime.signal }).then(() => {
    throw new Error('the name servers gave no answer in time')
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    inTime.abort()
  }
}
