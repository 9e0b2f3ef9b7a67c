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
  /** How often it answers 503 to a SET before it takes it. */
  readonly busyFor: number
}

/** One POST that reached a partner, and its answer. */
export interface Push {
  readonly partner: Partner
  readonly jwt: string
  /** The how-manieth time that these very bytes came. */
  readonly attempt: number
  readonly status: number
  /** Why it was refused: `err` of RFC 8935. */
  readonly err: string | undefined
}

export const partners: readonly Partner[] = [
  { id: 'taxes', profile: 'login.gov', audience: 'urn:gov:taxes', registeredAs: 'urn:gov:taxes', busyFor: 0 },
  {
    id: 'benefits',
    profile: 'ssf',
    audience: 'https://benefits.example/',
    registeredAs: 'https://benefits.example/',
    busyFor: 2,
  },
  {
    id: 'parks',
    profile: 'ssf',
    audience: 'https://parks.example/',
    registeredAs: 'https://park.example/',
    busyFor: 0,
  },
]

/** Starts a partner's endpoint, which verifies by the keys that the IdP publishes. */
export function startPartner(
  partner: Partner,
  jwksUrl: string,
  onPush: (push: Push) => Promise<void>,
): Promise<WebServer> {
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

  return serve(async (request) => {
    const jwt = await request.clone().text()
    const attempt = (attempts.get(jwt) ?? 0) + 1
    attempts.set(jwt, attempt)
    const answer = attempt > partner.busyFor ? await receive(request) : new Response(null, { status: 503 })
    await onPush({ partner, jwt, attempt, status: answer.status, err: await readRefusal(answer.clone()) })
    return answer
  })
}

/** RFC 8935 §2.3. */
async function readRefusal(answer: Response): Promise<string | undefined> {
  if (answer.status !== 400) return undefined
  const { err } = (await answer.json()) as { readonly err: string }
  return err
}
