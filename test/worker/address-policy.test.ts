import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AddressPolicy, type AddressRule, createAddressPolicy } from '../../packages/worker/src/address-policy.ts'

const strict = { allowLoopback: false, allowNat64: false, allowedNetworks: [] }

const FORBIDDEN = [
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '192.0.0.0/24', '192.0.2.0/24', '192.31.196.0/24'],
  ...['192.52.193.0/24', '192.88.99.0/24', '192.175.48.0/24', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4', '255.255.255.255/32', '168.63.129.16/32', '100.100.100.200/32'],
  ...[
    '::/8',
    '::ffff:0:0/96',
    '::ffff:0:0:0/96',
    '64:ff9b::/96',
    '64:ff9b:1::/48',
    '100::/64',
    '2001::/23',
    '2001::/32',
  ],
  ...['2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20', '4000::/2', '8000::/2', '5f00::/16', 'fe80::/10'],
  ...['fec0::/10', 'ff00::/8', 'fd00:ec2::254/128', 'fd20:ce::254/128'],
]
const PRIVATE = ['10.0.0.0/8', '100.64.0.0/12', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/8', 'fd80::/9']

function always(judge: AddressPolicy, addresses: fc.Arbitrary<string>, rule: AddressRule | undefined): void {
  fc.assert(fc.property(addresses, (address) => judge(address) === rule))
}

/** An oracle of its own: addresses as numbers, without any list. */
function addressIn(network: string): fc.Arbitrary<string> {
  const [base = '', digits] = network.split('/')
  const width = base.includes(':') ? 128 : 32
  const free = BigInt(width - Number(digits))
  const low = base.includes(':') ? ipv6Number(base) : ipv4Number(base)
  return fc
    .oneof(fc.constant(0n), fc.constant((1n << free) - 1n), fc.bigInt(0n, (1n << free) - 1n))
    .map((offset) => (width === 32 ? ipv4Text(low + offset) : ipv6Text(low + offset)))
}

const ipv4Number = (text: string): bigint => text.split('.').reduce((sum, byte) => (sum << 8n) + BigInt(byte), 0n)

const ipv4Text = (value: bigint): string => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')

function ipv6Number(text: string): bigint {
  const [head = '', tail = ''] = text.split('::')
  const parse = (part: string): string[] => part.split(':').filter((group) => group !== '')
  const zeros = Array<string>(8 - parse(head).length - parse(tail).length).fill('0')
  return [...parse(head), ...zeros, ...parse(tail)].reduce((sum, group) => (sum << 16n) + BigInt(`0x${group}`), 0n)
}

function ipv6Text(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, n) => (value >> BigInt(16 * (7 - n))) & 0xffffn)
  return groups.map((group) => group.toString(16)).join(':')
}

describe('without permissions', () => {
  const judge = createAddressPolicy(strict)

  test.each(FORBIDDEN)('every address of %s is forbidden', (network) => {
    always(judge, addressIn(network), 'forbidden')
  })

  test.each(PRIVATE)('every address of %s is private', (network) => {
    always(judge, addressIn(network), 'private')
  })

  test.each(['8.0.0.0/7', '9.0.0.0/8', '11.0.0.0/8', '172.32.0.0/11', '2400::/12', '2a00::/12', '2620:4e::/32'])(
    'every address of %s is public',
    (network) => {
      always(judge, addressIn(network), undefined)
    },
  )

  test.each(['fe80::1%eth0', '2a00::1%1', 'partner.example', '', '127.1', '0x7f.0.0.1'])(
    'what is no address, or has a zone, is forbidden: %s',
    (text) => {
      expect(judge(text)).toBe('forbidden')
    },
  )
})

describe('a permission opens what it names and nothing else', () => {
  const everywhere = ['0.0.0.0/0', '::/0']

  test.each(FORBIDDEN.filter((network) => !['127.0.0.0/8', '::/8', '64:ff9b::/96'].includes(network)))(
    'all of them together do not open %s',
    (network) => {
      const judge = createAddressPolicy({ allowLoopback: true, allowNat64: true, allowedNetworks: everywhere })
      always(judge, addressIn(network), 'forbidden')
    },
  )

  test('networks', () => {
    const judge = createAddressPolicy({ ...strict, allowedNetworks: ['10.20.0.0/16', 'fd12::/16'] })
    always(judge, addressIn('10.20.0.0/16'), undefined)
    always(judge, addressIn('fd12::/16'), undefined)
    for (const other of ['10.19.255.255', '10.21.0.0', '192.168.0.1', 'fd11:ffff::1', 'fd13::1']) {
      expect(judge(other)).toBe('private')
    }
    expect(judge('::ffff:10.20.0.1')).toBe('forbidden')
  })

  test('loopback', () => {
    const judge = createAddressPolicy({ ...strict, allowLoopback: true })
    always(judge, addressIn('127.0.0.0/8'), undefined)
    expect(judge('::1')).toBeUndefined()
    for (const other of ['0.0.0.0', '::', '::2', '::ffff:127.0.0.1', '::7f00:1', '10.0.0.1', '169.254.169.254']) {
      expect(judge(other)).toBeDefined()
    }
  })

  test('NAT64: an address is judged by the one inside', () => {
    const allowed = createAddressPolicy({ ...strict, allowNat64: true, allowedNetworks: ['10.20.0.0/16'] })
    const inside = createAddressPolicy({ ...strict, allowedNetworks: ['10.20.0.0/16'] })
    const any = fc.oneof(...[...FORBIDDEN, ...PRIVATE, '8.0.0.0/7', '10.20.0.0/16'].filter(isIPv4).map(addressIn))
    fc.assert(fc.property(any, (address) => allowed(`64:ff9b::${address}`) === inside(address)))
    expect(allowed('64:ff9b:1::808:808')).toBe('forbidden')
  })
})

const isIPv4 = (network: string): boolean => !network.includes(':')
