import { createHash, timingSafeEqual } from 'node:crypto'
import { InvalidSetError, type SetErrorCode } from './invalid-set.ts'
import { keyResolver } from './issuer-keys.ts'
import type { VerifiedSet } from './read-claims.ts'
import { readBody } from './request-body.ts'
import { type VerifyOptions, verifySet } from './verify-set.ts'

/** How a receiver is set up. */
export interface ReceiverOptions extends VerifyOptions {
  /**
   * Stores a verified SET durably, so that its `jti` is known from then on. The transmitter hears 202 once this is done,
   * for a duplicate as for a new one, and tries again later when it rejects. `jwt` is as it came, encrypted or not.
   */
  readonly onSet: (set: VerifiedSet, jwt: string) => Promise<'stored' | 'duplicate'>
  /** The `Authorization` values of which the transmitter must send one. Default: none is asked for. */
  readonly authorization?: string | readonly string[]
  /** Hears of what the transmitter is told only as 503: failures of `onSet` and of the issuer's JWK set. */
  readonly onError?: (error: unknown) => void
  /** Default: 64 KiB. */
  readonly maxBodyBytes?: number
}

/** Answers an HTTP request. */
export type Handler = (request: Request) => Promise<Response>

/**
 * Makes a handler that receives SETs by push (RFC 8935): verifies each, hands it to `onSet` and answers 202.
 *
 * @example A receiver on node:http
 * ```ts
 * const receive = createReceiver({
 *   issuer: 'https://idp.example/',
 *   audience: 'https://rp.example/events',
 *   jwks: new URL('https://idp.example/jwks.json'),
 *   onSet: async ({ jti, subject, events }) => ((await store(jti, subject, events)) ? 'stored' : 'duplicate'),
 * })
 * createServer(nodeListener(receive)).listen(8080)
 * ```
 * @throws {@link InvalidOptionsError} when `jwks` is a URL that is not `https:`.
 */
export function createReceiver(options: ReceiverOptions): Handler {
  const { authorization, maxBodyBytes = 65_536, onSet, onError } = options
  const agreed = authorization === undefined ? undefined : [authorization].flat().map(digest)
  const verifyOptions: VerifyOptions = { ...options, jwks: keyResolver(options.jwks) }

  return async (request) => {
    if (request.method !== 'POST') return new Response(null, { status: 405, headers: { allow: 'POST' } })
    if (agreed && !isAgreed(request.headers.get('authorization') ?? '', agreed)) {
      return refusal('authentication_failed', 'Authorization is missing or not the one agreed on')
    }
    if (!isSet(request.headers.get('content-type') ?? '')) return new Response(null, { status: 415 })
    try {
      const jwt = await readBody(request, maxBodyBytes)
      if (jwt === undefined) return new Response(null, { status: 413 })
      await onSet(await verifySet(jwt, verifyOptions), jwt)
      return new Response(null, { status: 202 })
    } catch (error) {
      if (error instanceof InvalidSetError) return refusal(error.err, error.message)
      onError?.(error)
      return new Response(null, { status: 503 })
    }
  }
}

function refusal(err: SetErrorCode | 'authentication_failed', description: string): Response {
  return Response.json({ err, description }, { status: 400, headers: { 'content-language': 'en' } })
}

function isSet(contentType: string): boolean {
  return contentType.split(';', 1)[0]?.trim().toLowerCase() === 'application/secevent+jwt'
}

// Digests have one length whatever was sent, and each is compared, so that time tells nothing about the value.
function isAgreed(given: string, agreed: readonly Buffer[]): boolean {
  const candidate = digest(given)
  return agreed.map((one) => timingSafeEqual(one, candidate)).includes(true)
}

function digest(value: string): Buffer {
  return createHash('sha256').update(value).digest()
}
