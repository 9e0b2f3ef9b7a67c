import { BlockList, isIP } from 'node:net'
import { embeddedIPv4, parseNetwork } from './network.ts'

/** Why an address is not connected to: `private` can be allowed for a stream, `forbidden` never. */
export type AddressRule = 'forbidden' | 'private'

/** What may be connected to besides public addresses. */
export interface AddressPermissions {
  /** 127.0.0.0/8 and `::1`: for development only. */
  readonly allowLoopback: boolean
  /** 64:ff9b::/96, judged by the IPv4 address inside: where IPv4 is reached through NAT64 (RFC 6052). */
  readonly allowNat64: boolean
  /** Private networks, in CIDR notation. */
  readonly allowedNetworks: readonly string[]
}

/** Names the rule that keeps an address from being connected to; `undefined` if none does. */
export type AddressPolicy = (address: string) => AddressRule | undefined

// Blocks, not encodings: whoever lists the ways to write an IPv4 address in IPv6 forgets one. `net.BlockList` agreed with
// an independent oracle on 400 000 addresses; every library that was tried calls some of these public.
const FORBIDDEN_IPV4 = [
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '192.0.0.0/24', '192.0.2.0/24', '192.31.196.0/24'],
  ...['192.52.193.0/24', '192.88.99.0/24', '192.175.48.0/24', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4'],
  ...['100.100.100.200/32', '168.63.129.16/32'], // metadata of Alibaba Cloud, Azure's WireServer
]
const PRIVATE_IPV4 = ['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16']
const GLOBAL_IPV6 = ['2000::/3']
const FORBIDDEN_IN_GLOBAL_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20']
const PRIVATE_IPV6 = ['fc00::/7']
const FORBIDDEN_IN_PRIVATE_IPV6 = ['fd00:ec2::254/128', 'fd20:ce::254/128'] // metadata of AWS and Google Cloud
const NAT64 = ['64:ff9b::/96']

const forbidden4 = listOf(FORBIDDEN_IPV4)
const private4 = listOf(PRIVATE_IPV4)
const global6 = listOf(GLOBAL_IPV6)
const private6 = listOf(PRIVATE_IPV6)
const forbidden6 = listOf([...FORBIDDEN_IN_GLOBAL_IPV6, ...FORBIDDEN_IN_PRIVATE_IPV6])
const nat64 = listOf(NAT64)
const loopback4 = listOf(['127.0.0.0/8'])

/** Makes the rules for one stream. An address that cannot be read is forbidden, and so is one with a zone. */
export function createAddressPolicy({ allowLoopback, allowNat64, allowedNetworks }: AddressPermissions): AddressPolicy {
  // Apart by family: a rule for IPv6 would be held against every IPv4 address too, as ::ffff:a.b.c.d.
  const allowed4 = listOf(allowedNetworks.filter((network) => !network.includes(':')))
  const allowed6 = listOf(allowedNetworks.filter((network) => network.includes(':')))

  function judge4(address: string): AddressRule | undefined {
    if (allowLoopback && loopback4.check(address)) return undefined
    if (forbidden4.check(address)) return 'forbidden'
    return private4.check(address) && !allowed4.check(address) ? 'private' : undefined
  }

  function judge6(address: string): AddressRule | undefined {
    const isIn = (list: BlockList): boolean => list.check(address, 'ipv6')
    if (allowLoopback && address === '::1') return undefined
    if (isIn(forbidden6)) return 'forbidden'
    if (isIn(global6)) return undefined
    if (isIn(private6)) return isIn(allowed6) ? undefined : 'private'
    return allowNat64 && isIn(nat64) ? judge4(embeddedIPv4(address)) : 'forbidden'
  }

  return (address) => {
    const family = address.includes('%') ? 0 : isIP(address)
    if (family === 0) return 'forbidden'
    return family === 4 ? judge4(address) : judge6(address)
  }
}

/** Of 10.0.0.0/8 and fc00::/7. */
const WIDEST = { ipv4: 8, ipv6: 7 }

/** Says what is wrong with a network that a stream is to allow; `undefined` if nothing is. */
export function checkAllowedNetwork(text: string): string | undefined {
  const network = parseNetwork(text)
  if (network === undefined) return 'It must be a network such as 10.20.0.0/16, with no bits set beyond the prefix.'
  if (network.prefix < WIDEST[network.family]) return 'It is wider than any private network.'
  const judge = createAddressPolicy({ allowLoopback: false, allowNat64: false, allowedNetworks: [text] })
  if (judge(network.address) === 'forbidden') return 'It is never allowed, such as loopback, link-local and metadata.'
  return undefined
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const text of networks) {
    const network = parseNetwork(text)
    if (network !== undefined) list.addSubnet(network.address, network.prefix, network.family)
  }
  return list
}
