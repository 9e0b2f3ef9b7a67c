import { bindCredential, originOf } from '../credential-binding.ts'
import type { CredentialMeans } from '../credential-reader.ts'
import { parseReference } from '../credential-reference.ts'
import { openSealed, originsIn } from '../sealed-credential.ts'
import { CommandFailedError } from './command-error.ts'
import { type GivenSecret, storeSecret } from './credential-options.ts'
import type { Stream } from './queries/streams.ts'

/** What decides how a stream's credential is bound from now on. */
export interface Rebinding {
  readonly secret: GivenSecret | undefined
  readonly options: {
    readonly url?: string
    readonly oauthTokenUrl?: string
    readonly oauth?: boolean
    readonly keepAuthorization?: true
  }
  readonly credentials: CredentialMeans
}

/**
 * Stores a credential for the origins that a stream is about to have: the one that was given, or the one it has if that is to
 * be kept; neither, and it stays as it is.
 *
 * @throws {@link CommandFailedError} if what is to be kept cannot be opened here, or would come to an origin that it was not
 * given for and that nobody has named.
 */
export async function bindAnew(
  { id, endpoint_url, token_request }: Stream,
  stored: string | null,
  { secret, options, credentials }: Rebinding,
): Promise<{ readonly credential?: string }> {
  const { url = endpoint_url, oauth, oauthTokenUrl = token_request?.token_endpoint } = options
  const tokenEndpoint = oauth === false ? undefined : oauthTokenUrl
  const binding = bindCredential(id, { endpointUrl: url, tokenEndpoint })
  if (secret !== undefined) return { credential: await storeSecret(secret, binding, credentials.keys) }
  if (!options.keepAuthorization || stored === null) return {}
  const reference = parseReference(stored)
  if (reference !== undefined) {
    requireNamed(reference.origins, { url, tokenEndpoint }, options)
    return { credential: await storeSecret({ kind: 'reference', ...reference }, binding, credentials.keys) }
  }
  const opened = await openSealed(stored, { streamId: id, use: 'credential' }, credentials.keys)
  if (opened.kind === 'unavailable') {
    throw new CommandFailedError(
      `the credential cannot be kept, as it cannot be opened here (${opened.cause}): set the keys of the workers, or give it anew`,
    )
  }
  requireNamed(originsIn(stored), { url, tokenEndpoint }, options)
  return { credential: await storeSecret({ kind: 'value', value: opened.value }, binding, credentials.keys) }
}

/** The other URL is the row's: somebody may have changed it there. */
function requireNamed(
  givenFor: string,
  { url, tokenEndpoint }: { readonly url: string; readonly tokenEndpoint: string | undefined },
  options: Rebinding['options'],
): void {
  const unnamed = [
    ...(options.url === undefined ? [url] : []),
    ...(options.oauthTokenUrl === undefined && tokenEndpoint !== undefined ? [tokenEndpoint] : []),
  ]
  const strange = unnamed.map(originOf).filter((origin) => !givenFor.split(' ').includes(origin))
  if (strange.length === 0) return
  throw new CommandFailedError(
    `the credential was not given for ${strange.join(' and ')}: name it too, by --url or --oauth-token-url, if it is right`,
  )
}
