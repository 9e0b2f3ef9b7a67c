/** What a worker may push to besides `https:` on public addresses. */
export interface EndpointRules {
  /** Allows `http:` and `https:` to loopback literals on any port: for development only. */
  readonly allowLoopback: boolean
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|\[::1\])$/

/**
 * Judges a push endpoint's URL, without looking anything up: when a stream is saved and again before every push.
 *
 * Returns what is wrong with it in words that hold nothing of the URL, or `undefined` when it may be used.
 */
export function checkEndpointUrl(url: string, rules: EndpointRules): string | undefined {
  if (!URL.canParse(url)) return 'is not an absolute URL'
  const { protocol, username, password, hash, hostname, port } = new URL(url)
  if (username !== '' || password !== '') return 'carries credentials: give them as an Authorization header'
  if (hash !== '') return 'has a fragment, which is never sent'
  if (rules.allowLoopback && LOOPBACK.test(hostname) && /^https?:$/.test(protocol)) return undefined
  if (protocol !== 'https:') return 'is not https: (RFC 8935 §2.1 demands TLS)'
  if (port !== '') return 'names a port other than 443'
  return checkHostname(hostname)
}

/** A literal address, or a name that only a search list or the hosts file could resolve, is no partner's endpoint. */
function checkHostname(hostname: string): string | undefined {
  const name = hostname.replace(/\.$/, '')
  if (hostname.startsWith('[') || /^[\d.]+$/.test(name)) return 'names an address instead of a host'
  if (!name.includes('.') || name === 'localhost' || name.endsWith('.localhost')) return 'does not name a public host'
  return undefined
}
