import { until } from '../support/until.ts'

const DEADLINE_MS = 60_000

/** As {@link until}, for what nobody promised to be quick, on a machine that may have much else to do. */
export function eventually<Found>(look: () => Promise<Found | undefined>, what: string): Promise<Found> {
  return until(look, what, DEADLINE_MS)
}
