import { isIP, isIPv4 } from 'node:net'

/** A network in CIDR notation, taken apart. */
export interface Network {
  readonly address: string
  readonly family: 'ipv4' | 'ipv6'
  readonly prefix: number
}

/** Reads a network such as `10.20.0.0/16` or `fd12:3456::/32`; `undefined` if it is none, or has bits beyond its prefix. */
export function parseNetwork(text: string): Network | undefined {
  const [, address = '', digits = ''] = /^([\da-f.:]+)\/(\d{1,3})$/i.exec(text) ?? []
  if (isIP(address) === 0) return undefined
  const bits = addressBits(address)
  const prefix = Number(digits)
  if (prefix > bits.length || bits.includes('1', prefix)) return undefined
  return { address, family: isIPv4(address) ? 'ipv4' : 'ipv6', prefix }
}

/** The IPv4 address in the last 32 bits of an IPv6 address (RFC 6052 §2.2). */
export function embeddedIPv4(address: string): string {
  const bytes = addressBits(address).slice(-32).match(/.{8}/g)
  return (bytes ?? []).map((byte) => Number.parseInt(byte, 2)).join('.')
}

function addressBits(address: string): string {
  return isIPv4(address)
    ? address
        .split('.')
        .map((byte) => binary(Number(byte), 8))
        .join('')
    : groups(address)
        .map((group) => binary(Number.parseInt(group, 16), 16))
        .join('')
}

/** The eight groups of an IPv6 address: a URL spells every address in one way, without dotted parts. */
function groups(address: string): string[] {
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const before = head === '' ? [] : head.split(':')
  if (tail === undefined) return before
  const after = tail === '' ? [] : tail.split(':')
  return [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
}

const binary = (value: number, digits: number): string => value.toString(2).padStart(digits, '0')
