/** What a stored credential is good for: it is of no use anywhere else. */
export interface CredentialBinding {
  readonly streamId: string
  readonly use: CredentialUse
  /** Where it may be sent to; of a key, which is never sent, nothing. */
  readonly origins: string
}

/** The column that it is stored in. */
export type CredentialUse = 'credential' | 'client_private_key'

/**
 * Names the origins that a stream's credential may be sent to: its receiver's and, for the secret of an OAuth client, its token
 * endpoint's too. The one gets tokens by it, the other gets the tokens.
 *
 * @example
 * originsOf('https://partner.example/events', undefined) // 'https://partner.example'
 */
function originsOf(endpointUrl: string, tokenEndpoint: string | undefined): string {
  const urls = tokenEndpoint === undefined ? [endpointUrl] : [endpointUrl, tokenEndpoint]
  return urls.map(originOf).join(' ') // no origin holds a space
}

/** The origin of a URL; `null` in letters for what has none. */
export function originOf(url: string): string {
  return URL.parse(url)?.origin ?? 'null'
}

/** How a stream's credential is bound. */
export function bindCredential(
  streamId: string,
  { endpointUrl, tokenEndpoint }: { readonly endpointUrl: string; readonly tokenEndpoint: string | undefined },
): CredentialBinding {
  return { streamId, use: 'credential', origins: originsOf(endpointUrl, tokenEndpoint) }
}

/** How a stream's client key is bound. */
export function bindClientKey(streamId: string): CredentialBinding {
  return { streamId, use: 'client_private_key', origins: '' }
}
