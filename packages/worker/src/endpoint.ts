import { createAddressPolicy } from './address-policy.ts'
import type { NetworkConfig } from './config.ts'
import {
  checkAddresses,
  checkEndpointUrl,
  type EndpointProblem,
  type EndpointRules,
  literalAddress,
} from './endpoint-url.ts'
import type { StreamConnection } from './stream-connection.ts'

/** Looks up all of a host's addresses; rejects if there is none, or none within that time. */
export type Resolve = (hostname: string, withinMs: number) => Promise<readonly string[]>

/** Whether an endpoint may be pushed to now, and which addresses were judged: the only ones to connect to. */
export type EndpointJudgement =
  | { readonly kind: 'allowed'; readonly addresses: readonly string[] }
  | ({ readonly kind: 'blocked' } & EndpointProblem)
  | { readonly kind: 'unresolved' }

/** What a worker allows of a stream, and the stream of its endpoint. */
export function endpointRules(
  { allowedNetworks, allowedPorts }: Pick<StreamConnection, 'allowedNetworks' | 'allowedPorts'>,
  network: NetworkConfig,
): EndpointRules {
  const { allowLoopback } = network
  return { allowLoopback, allowedPorts, judgeAddress: createAddressPolicy({ ...network, allowedNetworks }) }
}

/** Judges an endpoint by its URL and by every address that its name has at the moment: to save it, and to push to it. */
export async function judgeEndpoint(
  url: string,
  rules: EndpointRules,
  { resolve, withinMs }: { readonly resolve: Resolve; readonly withinMs: number },
): Promise<EndpointJudgement> {
  const problem = checkEndpointUrl(url, rules)
  if (problem !== undefined) return { kind: 'blocked', ...problem }
  const { hostname } = new URL(url)
  const address = literalAddress(hostname)
  if (address !== undefined) return { kind: 'allowed', addresses: [address] }
  try {
    const addresses = await resolve(hostname, withinMs)
    const broken = checkAddresses(addresses, rules.judgeAddress)
    return broken === undefined ? { kind: 'allowed', addresses } : { kind: 'blocked', ...broken }
  } catch {
    return { kind: 'unresolved' }
  }
}
