/** How a stream's access tokens are asked for (RFC 6749 §4.4), as `risc.streams.token_request` says it. */
export interface TokenRequest {
  readonly token_endpoint: string
  readonly client_id: string
  readonly client_authentication: ClientAuthentication
  readonly scope?: string
  /** Whom the token is for, by RFC 8707 §2. */
  readonly resource?: string
  /** The same, as some servers had it before. */
  readonly audience?: string
}

/** How the client shows its secret (RFC 6749 §2.3.1): in a header, or in the body. */
export type ClientAuthentication = 'client_secret_basic' | 'client_secret_post'

/** A token request as it goes out. */
export interface TokenPost {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Writes the one request that client credentials need (RFC 6749 §4.4.2). */
export function writeTokenRequest(request: TokenRequest, secret: string): TokenPost {
  const { client_id, client_authentication, scope, resource, audience } = request
  const isBasic = client_authentication === 'client_secret_basic'
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    ...(scope !== undefined && { scope }),
    ...(resource !== undefined && { resource }),
    ...(audience !== undefined && { audience }),
    ...(!isBasic && { client_id, client_secret: secret }),
  })
  return {
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(isBasic && { authorization: `Basic ${btoa(`${formEncode(client_id)}:${formEncode(secret)}`)}` }),
    },
    body: form.toString(),
  }
}

/** RFC 6749 §2.3.1 has both encoded before they are joined, so that a colon in the id does no harm. */
const formEncode = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1)
