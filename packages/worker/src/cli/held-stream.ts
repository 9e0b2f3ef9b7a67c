import type { HoldReason, PauseReason, RetryReason } from '../outcome.ts'

/** Why a stream is held back, and in whose name. */
type StatusChange = Partial<Record<'because' | 'changed_by', string>>

/** Says who paused or disabled a stream, and why. */
export function whoAndWhy(change: StatusChange): string {
  const pause = pauseOf(change)
  if (pause !== undefined) return pause.why
  const { because, changed_by } = change
  const who = `by ${changed_by ?? 'an operator'}`
  return because === undefined ? `${who}, who gave no reason` : `${who}: "${because}"`
}

/** Says how a paused stream goes on, and what has to be done first. */
export function adviseResuming(why: StatusChange & { readonly stream_id: string }): string {
  const resume = `risc-worker stream resume ${why.stream_id}`
  const pause = pauseOf(why)
  return pause === undefined ? `to let it go on: ${resume}` : `first ${pause.before(why.stream_id)}; then: ${resume}`
}

/** Says when to have a stream tried at once that waits for its breaker. */
export function adviseProbing({
  because,
  stream_id,
}: {
  readonly because: string
  readonly stream_id: string
}): string {
  const when = Object.hasOwn(MENDING, because) ? MENDING[because as keyof typeof MENDING] : 'to probe at once'
  return `${when}: risc-worker stream resume ${stream_id}`
}

/** Troubles that do not pass by themselves. */
const MENDING = {
  authentication_failed: 'once the credentials of the stream are right',
  access_denied: 'once the receiver grants access',
  redirected: 'once the address of the stream is right',
  certificate_expired: 'once the receiver has renewed its certificate',
  certificate_not_yet_valid: 'once the certificate of the receiver is valid, or the clock of the worker right',
  certificate_wrong_name: 'once the receiver shows a certificate for the name in the URL of the stream',
  certificate_untrusted: 'once the certificate of the receiver is from an authority that the stream trusts (--ca)',
  client_certificate_required: 'once the stream has a certificate to show (--client-certificate, --client-key)',
  tls_version: 'once the receiver speaks TLS 1.2 or later at the address of the stream',
  credential_unavailable: 'once workers can open what the stream has (risc-worker check tells what is missing)',
  token_refused: 'once the token endpoint takes the client and its secret (--oauth-client-id, --authorization-env)',
  token_unavailable: 'once the token endpoint of the stream answers; the receiver has no part in it',
  proxy_failed: 'once our own proxy (RISC_HTTPS_PROXY) works; the receiver has no part in it',
} as const satisfies Partial<Record<HoldReason | RetryReason, string>>

interface Pause {
  readonly why: string
  /** What to do before the stream goes on: it would be paused again at once. */
  readonly before: (streamId: string) => string
}

const setStream = (streamId: string, settings: string): string => `risc-worker stream set ${streamId} ${settings}`

/** What pauses a stream by itself, in nobody's name; the rest is an operator's words. */
const PAUSES: Readonly<Record<PauseReason, Pause>> = {
  receiver_gone: {
    why: 'because its receiver answered 410 (gone)',
    before: (id) => `ask the receiver whether it wants SETs, and where; if elsewhere: ${setStream(id, '--url <url>')}`,
  },
  url_not_allowed: {
    why: 'because its URL may not be pushed to',
    before: (id) => setStream(id, '--url <url>, or --allow-port <port>'),
  },
  address_forbidden: {
    why: 'because its name leads to an address that is never pushed to, such as loopback',
    before: (id) => `have its name lead elsewhere, or ${setStream(id, '--url <url>')}`,
  },
  address_private: {
    why: 'because its name leads to a private address, in no network that it allows',
    before: (id) => setStream(id, '--allow-network <network>, if it is to be reached there, or --url <url>'),
  },
  token_url_not_allowed: {
    why: 'because the URL of its token endpoint may not be asked',
    before: (id) => setStream(id, '--oauth-token-url <url>, or --allow-port <port>'),
  },
  token_address_forbidden: {
    why: 'because the name of its token endpoint leads to an address that is never connected to, such as loopback',
    before: (id) => `have the name lead elsewhere, or ${setStream(id, '--oauth-token-url <url>')}`,
  },
  token_address_private: {
    why: 'because the name of its token endpoint leads to a private address, in no network that it allows',
    before: (id) =>
      setStream(id, '--allow-network <network>, if it is to be reached there, or --oauth-token-url <url>'),
  },
}

/** Whoever has a name used words of their own. */
function pauseOf({ because = '', changed_by }: StatusChange): Pause | undefined {
  return changed_by === undefined && Object.hasOwn(PAUSES, because) ? PAUSES[because as PauseReason] : undefined
}
