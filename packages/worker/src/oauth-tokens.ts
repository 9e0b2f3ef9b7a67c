import { isDeepStrictEqual } from 'node:util'
import type { FetchedToken, WantedToken } from './oauth-token.ts'
import { createRecent } from './recent.ts'

/** The access tokens of all streams: each is kept while it is valid, and asked for once however many wait for it. */
export interface Tokens {
  get(wanted: WantedToken): Promise<TokenInHand | Exclude<FetchedToken, { kind: 'token' }>>
}

/** A token to send now. */
export interface TokenInHand {
  readonly kind: 'token'
  readonly token: string
  /** Whether it was got for this very call: whoever refuses it would refuse the next one too. */
  readonly isFresh: boolean
  /** Has another one got next time, unless that has happened already. */
  drop(): void
}

/** What is known of a stream's token, under the settings it has now. */
interface Kept {
  readonly wanted: WantedToken
  valid?: { readonly token: string; readonly renewAt: number; readonly endsAt: number }
  asking?: Promise<FetchedToken>
  failed?: { readonly answer: FetchedToken; readonly until: number }
  failures: number
}

/** What tokens are got by. */
export interface TokenMeans {
  readonly fetch: (wanted: WantedToken) => Promise<FetchedToken>
  /** A monotonic clock, in milliseconds. */
  readonly now?: () => number
  /** From 0 up to 1: spreads the renewals of many workers. */
  readonly random?: () => number
}

const SHORTEST_LIFETIME_MS = 1000
/** Of a token's life, when to get the next one: a tenth is spread. */
const RENEWED_AFTER = { from: 0.8, spread: 0.1 }
/** The rest is for requests on their way, and for clocks that differ. */
const USED_UNTIL = 0.95
const REST_MS = { shortest: 1000, longest: 10_000, asked: 600_000 }

/**
 * Keeps tokens in memory alone. One is renewed while it is still valid, so nobody waits and a token endpoint may be away
 * for a while. A failure is remembered for one second, then two, up to ten, or as long as the endpoint asks: so what
 * waits makes one request, not as many as wait.
 */
export function createTokens({ fetch, now = () => performance.now(), random = Math.random }: TokenMeans): Tokens {
  const streams = createRecent<Kept>(now)

  function keptFor(wanted: WantedToken): Kept {
    const known = streams.get(wanted.streamId)
    if (known !== undefined && isDeepStrictEqual(known.wanted, wanted)) return known
    const kept: Kept = { wanted, failures: 0 }
    streams.set(wanted.streamId, kept)
    return kept
  }

  function ask(kept: Kept): Promise<FetchedToken> {
    const askedAt = now()
    kept.asking ??= fetch(kept.wanted).then((answer) => {
      delete kept.asking
      if (answer.kind === 'token') take(kept, answer, askedAt)
      else if (answer.kind === 'token_refused' || answer.kind === 'token_unavailable') rest(kept, answer)
      return answer
    })
    return kept.asking
  }

  function take(kept: Kept, { token, lifetimeMs }: Extract<FetchedToken, { kind: 'token' }>, askedAt: number): void {
    const lifeMs = Math.max(lifetimeMs, SHORTEST_LIFETIME_MS)
    const renewAt = askedAt + lifeMs * (RENEWED_AFTER.from + RENEWED_AFTER.spread * random())
    kept.valid = { token, renewAt, endsAt: askedAt + lifeMs * USED_UNTIL }
    kept.failures = 0
    delete kept.failed
  }

  function rest(kept: Kept, answer: FetchedToken): void {
    const growing = Math.min(REST_MS.shortest * 2 ** kept.failures++, REST_MS.longest)
    const asked = answer.kind === 'token_unavailable' ? Math.min(answer.retryAfterMs ?? 0, REST_MS.asked) : 0
    kept.failed = { answer, until: now() + Math.max(growing, asked) }
  }

  function restingAnswer({ failed, asking }: Kept): FetchedToken | undefined {
    return failed !== undefined && asking === undefined && now() < failed.until ? failed.answer : undefined
  }

  function inHand(kept: Kept, token: string, isFresh: boolean): TokenInHand {
    const drop = (): void => {
      if (kept.valid?.token === token) delete kept.valid
    }
    return { kind: 'token', token, isFresh, drop }
  }

  return {
    async get(wanted) {
      const kept = keptFor(wanted)
      const { valid } = kept
      if (valid !== undefined && now() < valid.endsAt) {
        if (now() >= valid.renewAt && restingAnswer(kept) === undefined) void ask(kept)
        return inHand(kept, valid.token, false)
      }
      const answer = restingAnswer(kept) ?? (await ask(kept))
      return answer.kind === 'token' ? inHand(kept, answer.token, true) : answer
    },
  }
}
