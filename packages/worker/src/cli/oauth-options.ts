import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ClientAuthentication, TokenRequest } from '../oauth-request.ts'
import { MisuseError } from './command-error.ts'

/** How access tokens are got, as a command line says it. */
export interface OAuthOptions {
  readonly oauthTokenUrl?: string
  readonly oauthClientId?: string
  readonly oauthClientAuthentication?: ClientAuthentication
  readonly oauthScope?: string
  readonly oauthResource?: string
  readonly oauthAudience?: string
  /** `false` by `--no-oauth`. */
  readonly oauth?: boolean
}

/** The column that the options set. */
export interface TokenRequestColumn {
  readonly token_request?: string | null
}

/** What else a command says of a stream's credential. */
export interface CredentialChange {
  readonly isGiven: boolean
  readonly isTakenAway: boolean
}

/** What a command's help says of them. */
export const OAUTH_HELP = `
With --oauth-token-url the credential is the secret of an OAuth 2.0 client: workers get access tokens by it (client
credentials, RFC 6749 §4.4) and send those. The rules about addresses and --ca hold for the token endpoint too.
`

/** Adds the options that {@link readTokenRequestColumn} reads. */
export function addOAuthOptions(command: Command): Command {
  return command
    .option('--oauth-token-url <url>', 'where to get access tokens by the credential')
    .option('--oauth-client-id <id>', 'whose secret the credential is', characters(/^[ -~]{1,256}$/))
    .addOption(
      new Option(
        '--oauth-client-authentication <how>',
        'how the secret is shown (default: client_secret_basic)',
      ).choices(['client_secret_basic', 'client_secret_post']),
    )
    .option(
      '--oauth-scope <scope>',
      'what the tokens are to be good for, or none',
      characters(/^[!#-[\]-~]+( [!#-[\]-~]+)*$/),
    )
    .option('--oauth-resource <uri>', 'whom they are for (RFC 8707), or none', absoluteUri)
    .option('--oauth-audience <name>', 'the same, as some servers call it, or none', characters(/^[ -~]{1,256}$/))
}

/**
 * Reads the options as changes of what a stream has, and makes sure that its credential is what it is taken for: a client's
 * secret is never sent as a header, nor a header's value shown to a token endpoint.
 *
 * @throws {@link MisuseError} if it would not be complete.
 */
export function readTokenRequestColumn(
  options: OAuthOptions,
  { isGiven, isTakenAway }: CredentialChange,
  before: TokenRequest | null = null,
): TokenRequestColumn {
  const request = readTokenRequest(options, before)
  if (options.oauth === false) {
    if (request !== undefined) throw new MisuseError('--no-oauth stands alone, without other --oauth options')
    if (before !== null && !isGiven && !isTakenAway) {
      throw new MisuseError('a client’s secret is no header: with --no-oauth give a credential or --no-authorization')
    }
    return { token_request: null }
  }
  if (isTakenAway && (request ?? before) !== null) {
    throw new MisuseError('OAuth needs the secret of its client: with --no-authorization goes --no-oauth')
  }
  if (request === undefined) return {}
  if (before === null && !isGiven)
    throw new MisuseError('OAuth needs the secret of its client: add --authorization-env')
  return { token_request: JSON.stringify(request) }
}

/** Whether the options have anything to say. */
export function isOAuthNamed(options: OAuthOptions): boolean {
  return options.oauth === false || Object.keys(given(options)).length > 0
}

function readTokenRequest(options: OAuthOptions, before: TokenRequest | null): TokenRequest | undefined {
  const named = given(options)
  if (Object.keys(named).length === 0) return undefined
  const { token_endpoint, client_id, ...rest } = {
    client_authentication: BASIC,
    ...before,
    ...named,
  }
  if (token_endpoint === undefined || client_id === undefined) {
    throw new MisuseError('OAuth needs both --oauth-token-url and --oauth-client-id')
  }
  return { token_endpoint, client_id, ...withoutNone(rest) }
}

/** By the names of the members. */
function given(options: OAuthOptions): Partial<TokenRequest> {
  const members = {
    token_endpoint: options.oauthTokenUrl,
    client_id: options.oauthClientId,
    client_authentication: options.oauthClientAuthentication,
    scope: options.oauthScope,
    resource: options.oauthResource,
    audience: options.oauthAudience,
  }
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}

const BASIC: ClientAuthentication = 'client_secret_basic'

function withoutNone<Members extends object>(members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== 'none')) as Members
}

function characters(allowed: RegExp): (text: string) => string {
  return (text) => {
    if (!allowed.test(text)) throw new InvalidArgumentError('It has characters that OAuth does not know there.')
    return text
  }
}

function absoluteUri(text: string): string {
  if (text !== 'none' && (!URL.canParse(text) || text.includes('#'))) {
    throw new InvalidArgumentError('It must be an absolute URI without a fragment.')
  }
  return text
}
