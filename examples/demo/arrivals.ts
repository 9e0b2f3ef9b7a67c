import { verifySet } from 'risc-set'
import { ISSUER } from './idp/issuer.ts'
import type { FindAccount } from './partner-accounts.ts'
import type { Push } from './partners.ts'
import { print } from './print.ts'

/** One POST as a partner understood it. */
export interface Arrival extends Push {
  readonly jti: string
  readonly event: string
  readonly user: string
  readonly verified: boolean
  /** By the clock of `performance`. */
  readonly at: number
  readonly msSinceCommit: number
}

/** Watches what reaches the partners. */
export interface Arrivals {
  readonly all: readonly Arrival[]
  /** Takes note of the moment at which SETs were committed. */
  committed(jtis: readonly string[]): void
  haveCome(jtis: readonly string[]): boolean
  /** Takes note of a POST, checks its SET against the published keys and prints it. */
  note(push: Push): Promise<void>
}

export function watchArrivals(jwksUrl: string, findAccount: FindAccount): Arrivals {
  const all: Arrival[] = []
  const committedAt = new Map<string, number>()

  return {
    all,
    committed(jtis) {
      for (const jti of jtis) committedAt.set(jti, performance.now())
    },
    haveCome(jtis) {
      return jtis.every((jti) => all.some((arrival) => arrival.jti === jti))
    },
    async note(push) {
      const at = performance.now()
      const understood = await read(push, jwksUrl, findAccount)
      const msSinceCommit = Math.round(at - (committedAt.get(understood.jti) ?? at))
      const arrival = { ...push, ...understood, at, msSinceCommit }
      all.push(arrival)
      printArrival(arrival)
    },
  }
}

/** Verified as for the name that the stream was given, which parks does not go by. */
async function read({ partner, jwt }: Push, jwksUrl: string, findAccount: FindAccount) {
  const { id, profile, registeredAs } = partner
  try {
    const set = await verifySet(jwt, { issuer: ISSUER, audience: registeredAs, profile, jwks: new URL(jwksUrl) })
    const event = set.events.map(({ type }) => type).join('+')
    return { jti: set.jti, event, user: findAccount(id, set.subject) ?? 'nobody we know', verified: true }
  } catch (error) {
    return { jti: '', event: String(error), user: 'nobody we know', verified: false }
  }
}

function printArrival({ partner, event, user, attempt, status, err, msSinceCommit }: Arrival): void {
  const style = status === 202 ? 'green' : status === 400 ? 'red' : 'yellow'
  const answer = status === undefined ? 'no answer' : [status, err].join(' ').trimEnd()
  print(
    partner.id,
    `${event.padEnd(29)}${user.padEnd(7)}${answer.padEnd(22)}attempt ${attempt}, ${msSinceCommit} ms after the commit`,
    style,
  )
}
