import { createReceiver, type ProfileName } from 'risc-set'
import { ISSUER } from './idp/issuer.ts'
import { serve, type WebServer } from './serve.ts'

/** A partner of the IdP, and its stream of the same name. */
export interface Partner {
  readonly id: 'taxes' | 'benefits' | 'parks'
  readonly profile: ProfileName
  /** What it calls itself, and expects as `aud`. */
  readonly audience: string
  /** What the operator of the IdP was told that it is called. */
  readonly registeredAs: string
  /** With how many SETs, its first, it is busy: it answers 503 to each {@link BUSY_FOR} times before it takes it. */
  readonly busyWith: number
  /** What else its stream is added with. */
  readonly settings: readonly string[]
}

/** Five failures in a row would open the breaker of a stream. */
export const BUSY_FOR = 2

/** How long the stream of taxes allows for a request. */
export const TAXES_TIMEOUT_MS = 2000

/** One POST that reached a partner, and its answer. */
export interface Push {
  readonly partner: Partner
  readonly jwt: string
  /** The how-manieth time that these very bytes came. */
  readonly attempt: number
  /** `undefined` where it gave no answer. */
  readonly status: number | undefined
  /** Why it was refused: `err` of RFC 8935. */
  readonly err: string | undefined
}

/** A partner's endpoint. */
export interface PartnerServer extends WebServer {
  /** From now on it takes requests and answers none. */
  hang(): void
  /** Drops what hangs, unanswered; from now on it answers again. */
  recover(): void
}

export const partners: readonly Partner[] = [
  {
    id: 'taxes',
    profile: 'login.gov',
    audience: 'urn:gov:taxes',
    registeredAs: 'urn:gov:taxes',
    busyWith: 0,
    settings: ['--timeout-ms', String(TAXES_TIMEOUT_MS), '--retry-delays', '300ms,300ms,300ms,300ms,300ms,300ms'],
  },
  {
    id: 'benefits',
    profile: 'ssf',
    audience: 'https://benefits.example/',
    registeredAs: 'https://benefits.example/',
    busyWith: 2,
    settings: ['--retry-delays', '400ms,800ms'],
  },
  {
    id: 'parks',
    profile: 'ssf',
    audience: 'https://parks.example/',
    registeredAs: 'https://park.example/',
    busyWith: 0,
    settings: [],
  },
]

/** Starts a partner's endpoint, which verifies by the keys that the IdP publishes. */
export async function startPartner(
  partner: Partner,
  jwksUrl: string,
  onPush: (push: Push) => Promise<void>,
): Promise<PartnerServer> {
  let hangs = false
  const attempts = new Map<string, number>()
  const stored = new Set<string>()
  const receive = createReceiver({
    issuer: ISSUER,
    audience: partner.audience,
    profile: partner.profile,
    jwks: new URL(jwksUrl),
    onSet: async ({ jti }) => {
      if (stored.has(jti)) return 'duplicate'
      stored.add(jti)
      return 'stored'
    },
  })

  async function answer(request: Request, jwt: string, attempt: number): Promise<Response | undefined> {
    if (hangs) return undefined
    const isBusy = attempt <= BUSY_FOR && [...attempts.keys()].indexOf(jwt) < partner.busyWith
    return isBusy ? new Response(null, { status: 503 }) : receive(request)
  }

  const server = await serve(async (request) => {
    const jwt = await request.clone().text()
    const attempt = (attempts.get(jwt) ?? 0) + 1
    attempts.set(jwt, attempt)
    const response = await answer(request, jwt, attempt)
    await onPush({ partner, jwt, attempt, status: response?.status, err: await readRefusal(response?.clone()) })
    return response ?? new Promise<never>(() => undefined)
  })
  return {
    ...server,
    hang() {
      hangs = true
    },
    recover() {
      hangs = false
      server.drop()
    },
  }
}

/** RFC 8935 §2.3. */
async function readRefusal(answer: Response | undefined): Promise<string | undefined> {
  if (answer?.status !== 400) return undefined
  const { err } = (await answer.json()) as { readonly err: string }
  return err
}
