import type { Arrival } from './arrivals.ts'
import { type Partner, partners } from './partners.ts'
import { printTable } from './print.ts'
import type { Scene } from './story.ts'
import type { listEnds } from './views.ts'

type Ends = Awaited<ReturnType<typeof listEnds>>

/**
 * Holds what arrived against what the story demands, and what the outbox recorded against what arrived: each SET once,
 * after so many attempts, with such an end. Prints a table and every difference; tells whether there was none.
 */
export function judge(story: readonly Scene[], arrivals: readonly Arrival[], ends: Ends): boolean {
  const demanded = story.flatMap(demand)
  const arrived = [...new Map(arrivals.map((arrival) => [arrival.jwt, arrival])).values()] // the last POST of each SET
  const told = difference(
    demanded,
    arrived.map(({ partner, event, user, attempt, status }) => line(partner.id, event, user, attempt, status)),
  )
  const recorded = difference(
    arrived.map(({ partner, jti, event, attempt, status }) => line(partner.id, event, jti, attempt, status)),
    ends.map(({ stream_id, jti, event, attempts, status }) => line(stream_id, event, jti, attempts, status)),
  )

  printTable(
    partners.map(({ id, profile }) => {
      const posts = arrivals.filter(({ partner }) => partner.id === id)
      const sets = arrived.filter(({ partner }) => partner.id === id)
      return {
        partner: id,
        profile,
        expected: demanded.filter((one) => one.startsWith(`${id} `)).length,
        arrived: sets.length,
        verified: sets.filter(({ verified }) => verified).length,
        POSTs: posts.length,
        accepted: sets.filter(({ status }) => status === 202).length,
        refused: sets.filter(({ status }) => status === 400).length,
      }
    }),
  )
  const problems = [
    ...told.missing.map((one) => `should have arrived, and did not: ${one}`),
    ...told.surplus.map((one) => `arrived, and should not have: ${one}`),
    ...recorded.missing.map((one) => `arrived, and is not on record so: ${one}`),
    ...recorded.surplus.map((one) => `is on record, and did not arrive so: ${one}`),
  ]
  for (const problem of problems) console.error(`  ${problem}`)
  return problems.length === 0
}

function demand({ user, tells, events }: Scene): string[] {
  return tells
    .flatMap((id) => partners.filter((partner) => partner.id === id))
    .flatMap((partner) =>
      events.map((event) => line(partner.id, event, user, partner.busyFor + 1, lastStatus(partner))),
    )
}

function lastStatus({ audience, registeredAs }: Partner): number {
  return audience === registeredAs ? 202 : 400
}

function line(partner: string, event: string, about: string, attempts: number, status: number | null): string {
  return `${partner} ${event} ${about}, ${status} at attempt ${attempts}`
}

/** Compares as bags: what is there twice must be there twice. */
function difference(expected: readonly string[], actual: readonly string[]) {
  const surplus = [...actual]
  const missing = expected.filter((one) => {
    const index = surplus.indexOf(one)
    if (index >= 0) surplus.splice(index, 1)
    return index < 0
  })
  return { missing, surplus }
}
