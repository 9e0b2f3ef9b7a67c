import { isIP } from 'node:net'
import type { AddressPolicy, AddressRule } from './address-policy.ts'

/** What a stream and its worker allow a push endpoint to be. */
export interface EndpointRules {
  /** Allows `http:` to loopback addresses, and any port there: for development only. */
  readonly allowLoopback: boolean
  /** Ports besides 443. */
  readonly allowedPorts: readonly number[]
  readonly judgeAddress: AddressPolicy
}

/** The rule that an endpoint breaks. */
export type EndpointRule = 'url_not_allowed' | `address_${AddressRule}`

/** Why an endpoint may not be pushed to. */
export interface EndpointProblem {
  readonly rule: EndpointRule
  /** Completes the sentence "the URL …", with words that hold nothing of the URL and of what it leads to. */
  readonly problem: string
}

const ADDRESS_PROBLEMS: Readonly<Record<AddressRule, string>> = {
  forbidden: 'leads to an address that is never pushed to, such as loopback, link-local, metadata or a reserved block',
  private: 'leads to a private address, in no network that the stream allows',
}

/**
 * Judges a push endpoint's URL, without looking anything up: when a stream is saved and again before every push.
 *
 * What it judges is the URL as WHATWG reads it, so every spelling of an address is that address.
 */
export function checkEndpointUrl(url: string, rules: EndpointRules): EndpointProblem | undefined {
  if (!URL.canParse(url)) return notAllowed('is not an absolute URL')
  const { protocol, username, password, hash, hostname, port } = new URL(url)
  if (username !== '' || password !== '') return notAllowed('carries credentials: give them as an Authorization header')
  if (hash !== '') return notAllowed('has a fragment, which is never sent')
  const address = literalAddress(hostname)
  const isDevelopment = rules.allowLoopback && address !== undefined && LOOPBACK.test(address)
  if (isDevelopment && /^https?:$/.test(protocol)) return undefined
  if (protocol !== 'https:') return notAllowed('is not https: (RFC 8935 §2.1 demands TLS)')
  if (port !== '' && !rules.allowedPorts.includes(Number(port))) {
    return notAllowed('names a port other than 443, which the stream does not allow')
  }
  return address === undefined ? checkHostname(hostname) : checkAddresses([address], rules.judgeAddress)
}

/** Judges all that a name resolves to: one bad address is enough, since any of them may be connected to. */
export function checkAddresses(addresses: readonly string[], judgeAddress: AddressPolicy): EndpointProblem | undefined {
  const broken = addresses.map(judgeAddress).filter((rule) => rule !== undefined)
  const rule = broken.includes('forbidden') ? 'forbidden' : broken[0]
  return rule && { rule: `address_${rule}`, problem: ADDRESS_PROBLEMS[rule] }
}

/** The address that a URL's host is, without the brackets of IPv6. */
export function literalAddress(hostname: string): string | undefined {
  const address = hostname.replace(/^\[|\]$/g, '')
  return isIP(address) === 0 ? undefined : address
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1)$/

/** A name that only a search list or the hosts file could resolve is no partner's; a last dot would be sent in TLS. */
function checkHostname(hostname: string): EndpointProblem | undefined {
  const name = hostname.replace(/\.$/, '')
  if (!name.includes('.') || name.endsWith('.localhost')) return notAllowed('does not name a public host')
  if (name !== hostname) return notAllowed('names a host with a dot at its end')
  return undefined
}

const notAllowed = (problem: string): EndpointProblem => ({ rule: 'url_not_allowed', problem })
