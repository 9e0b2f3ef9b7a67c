import type { Findings } from './findings.ts'
import { EVENTS_PER_SECOND, HEALTHY_STREAMS, WORKERS } from './isolation-work.ts'
import { newOutbox } from './new-outbox.ts'
import { definePart, type Part } from './part.ts'
import { promises } from './promises.ts'
import { quantile } from './quantile.ts'
import { type Course, type Delivered, type RedriveOptions, type RedriveTurn, SLOTS, takeTurn } from './redrive-work.ts'
import { compare, type Spread, spread, turns } from './rounds.ts'
import { onSite, type Site } from './site.ts'

/** What live events saw in one part of the turns, round by round, in milliseconds from commit to the receiver. */
interface Figures {
  readonly name: string
  readonly events: number
  readonly p50: Spread
  readonly p95: Spread
  readonly p99: Spread
  /** Against the p99 without a redrive. */
  readonly toAlone: Spread
}

/**
 * From commit to the receiver of live events: beside dead letters that nobody touches, and while they are redriven on the same
 * streams at the default rate, cancelled half-way and resumed.
 */
export const part: Part = definePart<RedriveOptions>({
  name: 'redrive',
  about: 'live events while dead letters of the same streams are sent again',
  minutes: 10,
  options: { rounds: 3, dead: 10_000, seconds: 60 },
  quick: { rounds: 1, dead: 200, seconds: 3 },
  run: (options) => onSite(async (site) => findingsOf(site, await takeTurns(site, options), options)),
})

async function takeTurns({ databaseUrl, pool, receiver }: Site, options: RedriveOptions): Promise<RedriveTurn[][]> {
  const site = { databaseUrl, pool, outbox: await newOutbox(), healthy: receiver }
  const taken: RedriveTurn[][] = [[], []]
  for (let round = 0; round < options.rounds; round++) {
    for (const [index, redriving] of turns([false, true], round)) {
      taken[index]?.push(await takeTurn(site, options, redriving))
    }
  }
  return taken
}

function findingsOf(
  { postgres }: Site,
  [alone = [], redriving = []]: RedriveTurn[][],
  options: RedriveOptions,
): Findings {
  const aloneRounds = alone.map(({ delivered }) => delivered)
  const base = aloneRounds.map((round) => quantile(latencies(round), 0.99))
  const during = (running: boolean) => redriving.map((turn) => eventsOf(turn, running))
  const lines = [
    figures('without a redrive', aloneRounds, base),
    figures('redriving', during(true), base),
    figures('cancelled, or done', during(false), base),
  ]
  const courses = redriving.flatMap(({ course }) => course ?? [])
  const perSecond = spread(courses.map((course) => (options.dead * 1000) / runningFor(course)))
  return {
    postgres,
    tables: [
      {
        caption:
          `${options.rounds} interleaved rounds; ${WORKERS} workers of ${SLOTS} slots; ${HEALTHY_STREAMS} streams, together ` +
          `${EVENTS_PER_SECOND} live events/s; ${options.dead} dead letters, ${perSecond.median.toFixed(0)} of them a second; ` +
          'ms from commit to receiver',
        columns: [
          { name: 'live events' },
          { name: 'p50', digits: 1 },
          { name: 'p95', digits: 1 },
          { name: 'p99', digits: 1 },
          { name: 'events' },
          { name: 'p99 to the first', digits: 2 },
        ],
        rows: lines.map(({ name, p50, p95, p99, events, toAlone }) => [name, p50, p95, p99, events, toAlone]),
      },
    ],
    verdicts: [promises.redrive.judge(lines[1]?.toAlone.median ?? Number.NaN)],
    plot: {
      kind: 'bars',
      unit: 'ms, p99 from commit to receiver of live events',
      bars: lines.map(({ name, p99 }) => ({ name, value: p99 })),
    },
  }
}

function figures(name: string, rounds: readonly (readonly Delivered[])[], base: readonly number[]): Figures {
  const known = rounds.flatMap((round, n) =>
    round.length > 0 ? [{ ms: latencies(round), base: base[n] ?? Number.NaN }] : [],
  )
  const of = (q: number): number[] => known.map(({ ms }) => quantile(ms, q))
  return {
    name,
    events: rounds.flat().length,
    p50: spread(of(0.5)),
    p95: spread(of(0.95)),
    p99: spread(of(0.99)),
    toAlone: compare(
      of(0.99),
      known.map((round) => round.base),
    ),
  }
}

function eventsOf({ delivered, course }: RedriveTurn, running: boolean): Delivered[] {
  return course === undefined ? [] : delivered.filter(({ committedAt }) => isRunning(course, committedAt) === running)
}

function isRunning({ begunAt, cancelledAt, resumedAt, doneAt }: Course, at: number): boolean {
  return (at >= begunAt && at < cancelledAt) || (at >= resumedAt && at < doneAt)
}

function runningFor({ begunAt, cancelledAt, resumedAt, doneAt }: Course): number {
  return cancelledAt - begunAt + doneAt - resumedAt
}

const latencies = (delivered: readonly Delivered[]): number[] =>
  delivered.map(({ committedAt, arrivedAt }) => arrivedAt - committedAt)
