import type { Arrival } from './arrivals.ts'
import { difference } from './difference.ts'
import type { Outage } from './outage.ts'
import { BUSY_FOR, type Partner, partners, TAXES_TIMEOUT_MS } from './partners.ts'
import { print, printTable } from './print.ts'
import type { Scene } from './story.ts'
import type { listEnds } from './views.ts'

/** All that the verdict rests on. */
export interface Evidence {
  /** What happened before the outage. */
  readonly story: readonly Scene[]
  readonly outage: Outage
  readonly arrivals: readonly Arrival[]
  readonly ends: Awaited<ReturnType<typeof listEnds>>
}

/**
 * Holds what arrived against what the scenes demand, and what the outbox recorded against what arrived: each SET once,
 * after so many attempts, with such an end, each user's in their order, and none delayed by another partner's trouble.
 * Prints a table and every difference; tells whether there was none.
 */
export function judge(evidence: Evidence): boolean {
  const { story, outage, arrivals } = evidence
  const sets = lastPosts(arrivals)
  const others = arrivals.filter(({ partner, jti }) => partner.id !== 'taxes' && outage.jtis.has(jti))
  const slowest = Math.max(...others.map(({ msSinceCommit }) => msSinceCommit))
  const again = sets.filter(({ attempt }) => attempt > 1)

  printTable(
    partners.map(({ id, profile }) => {
      const own = sets.filter(({ partner }) => partner.id === id)
      return {
        partner: id,
        profile,
        expected: owed([...story, ...outage.scenes], id).length,
        arrived: own.length,
        verified: own.filter(({ verified }) => verified).length,
        POSTs: arrivals.filter(({ partner }) => partner.id === id).length,
        accepted: own.filter(({ status }) => status === 202).length,
        refused: own.filter(({ status }) => status === 400).length,
      }
    }),
  )
  print(
    'others',
    `${others.length} SETs for benefits and parks while taxes hung, each within ${slowest} ms of its commit`,
  )
  print('twice', `${again.length} SETs came more than once, each time with the same jti and the same bytes`)
  const problems = [
    ...compareWithScenes(sets, evidence),
    ...compareWithRecord(sets, evidence),
    ...findDisorder(sets, evidence),
    ...others.filter(({ at }) => at > outage.recoveredAt).map((one) => `came only after taxes recovered: ${name(one)}`),
  ]
  for (const problem of problems) console.error(`  ${problem}`)
  return problems.length === 0
}

/** The last POST of each SET, in the order of these. SETs are told apart by their bytes: one signed twice would be two. */
function lastPosts(arrivals: readonly Arrival[]): Arrival[] {
  return arrivals.filter((arrival) => arrivals.findLast(({ jwt }) => jwt === arrival.jwt) === arrival)
}

function compareWithScenes(sets: readonly Arrival[], { story, outage }: Evidence): string[] {
  const demanded = partners.flatMap((partner) => [
    ...owed(story, partner.id).map(
      (set, index) => `${set}, ${finalStatus(partner)} at attempt ${index < partner.busyWith ? BUSY_FOR + 1 : 1}`,
    ),
    ...owed(outage.scenes, partner.id).map(
      (set) => `${set}, ${finalStatus(partner)} at attempt ${partner.id === 'taxes' ? 'any' : 1}`,
    ),
  ])
  // How often taxes was asked in vain depends on the moment: there the record alone can say.
  const attemptOf = ({ partner, jti, attempt }: Arrival) =>
    partner.id === 'taxes' && outage.jtis.has(jti) ? 'any' : attempt
  const { missing, surplus } = difference(
    demanded,
    sets.map((set) => `${name(set)}, ${set.status} at attempt ${attemptOf(set)}`),
  )
  return [
    ...missing.map((one) => `should have arrived, and did not: ${one}`),
    ...surplus.map((one) => `arrived, and should not have: ${one}`),
  ]
}

function compareWithRecord(sets: readonly Arrival[], { outage, arrivals, ends }: Evidence): string[] {
  const posts = new Map(sets.map(({ jti, attempt }) => [jti, attempt]))
  const attemptsMade = (jti: string, attempts: number) => {
    const missing = (posts.get(jti) ?? 0) - attempts
    return missing > 0 && missing <= countInterruptions(jti, outage, arrivals) ? attempts + missing : attempts
  }
  const { missing, surplus } = difference(
    sets.map(
      ({ partner, event, jti, attempt, status }) => `${partner.id} ${event} ${jti}, ${status} at attempt ${attempt}`,
    ),
    ends.map(
      ({ stream_id, event, jti, attempts, status }) =>
        `${stream_id} ${event} ${jti}, ${status} at attempt ${attemptsMade(jti, attempts)}`,
    ),
  )
  return [
    ...missing.map((one) => `arrived, and is not on record so: ${one}`),
    ...surplus.map((one) => `is on record, and did not arrive so: ${one}`),
  ]
}

/**
 * How many POSTs of a SET need not be on record as attempts: nobody lived to record what the killed worker had in its
 * hands, and a kept connection that is dropped, as taxes drops those that hang, costs no attempt.
 */
function countInterruptions(jti: string, { interrupted, recoveredAt }: Outage, arrivals: readonly Arrival[]): number {
  const mayBeDropped = ({ status, at }: Arrival) => status === undefined && at > recoveredAt - TAXES_TIMEOUT_MS
  const dropped = arrivals.some((arrival) => arrival.jti === jti && mayBeDropped(arrival))
  return Number(interrupted.has(jti)) + Number(dropped)
}

/** What a partner hears of one user must come in the order in which it happened. */
function findDisorder(sets: readonly Arrival[], { story, outage }: Evidence): string[] {
  const scenes = [...story, ...outage.scenes]
  const users = new Set(scenes.map(({ user }) => user))
  return partners.flatMap(({ id }) =>
    [...users].flatMap((user) => {
      const happened = owed(
        scenes.filter((scene) => scene.user === user),
        id,
      ).join(', ')
      const arrived = sets
        .filter((set) => set.partner.id === id && set.user === user)
        .map(name)
        .join(', ')
      return happened === arrived ? [] : [`happened as ${happened}, and arrived as ${arrived}`]
    }),
  )
}

/** The SETs that a partner must get, each named as {@link name} does. */
function owed(scenes: readonly Scene[], partner: Partner['id']): string[] {
  return scenes
    .filter(({ tells }) => tells.includes(partner))
    .flatMap(({ events, user }) => events.map((event) => `${partner} ${event} ${user}`))
}

function name({ partner, event, user }: Arrival): string {
  return `${partner.id} ${event} ${user}`
}

function finalStatus({ audience, registeredAs }: Partner): number {
  return audience === registeredAs ? 202 : 400
}
