import { startPostgres } from 'example-local-postgres'
import { migrate } from 'risc-worker'
import { openCountingReceiver } from './counting-receiver.ts'
import { EVENTS_PER_SECOND, HEALTHY_STREAMS, WORKERS } from './isolation-work.ts'
import { newOutbox } from './new-outbox.ts'
import { openPool } from './open-pool.ts'
import { quantile } from './quantile.ts'
import { type RedriveOptions, readOptions, USAGE } from './redrive-options.ts'
import { type Course, type Delivered, type RedriveTurn, SLOTS, takeTurn } from './redrive-work.ts'
import { compare, type Spread, spread, turns } from './rounds.ts'

const PROMISED_RATIO = 1.5

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
 * streams at the default rate, cancelled half-way and resumed. Says whether the p99 keeps within 1.5 times, and fails at
 * nothing.
 */
export async function run(args: readonly string[]): Promise<void> {
  const options = readOptions(args)
  if (options === undefined) {
    console.error(USAGE)
    process.exitCode = 64
    return
  }
  const [alone = [], redriving = []] = await takeTurns(options)
  report(alone, redriving, options)
}

async function takeTurns(options: RedriveOptions): Promise<RedriveTurn[][]> {
  const postgres = await startPostgres({ durable: true })
  const healthy = await openCountingReceiver()
  const pool = openPool(postgres.url)
  try {
    await migrate(postgres.url)
    const site = { databaseUrl: postgres.url, pool, outbox: await newOutbox(), healthy }
    const taken: RedriveTurn[][] = [[], []]
    for (let round = 0; round < options.rounds; round++) {
      for (const [index, redriving] of turns([false, true], round)) {
        taken[index]?.push(await takeTurn(site, options, redriving))
      }
    }
    return taken
  } finally {
    await pool.end()
    healthy.close()
    await postgres.stop()
  }
}

function report(alone: readonly RedriveTurn[], redriving: readonly RedriveTurn[], options: RedriveOptions): void {
  const aloneRounds = alone.map(({ delivered }) => delivered)
  const base = aloneRounds.map((round) => quantile(latencies(round), 0.99))
  const lines = [
    figures('without a redrive', aloneRounds, base),
    figures(
      'redriving',
      redriving.map((turn) => during(turn, isRunning)),
      base,
    ),
    figures(
      'cancelled, or done',
      redriving.map((turn) => during(turn, (...at) => !isRunning(...at))),
      base,
    ),
  ]
  const courses = redriving.flatMap(({ course }) => course ?? [])
  const perSecond = spread(courses.map((course) => (options.dead * 1000) / runningFor(course)))
  console.log(
    `${options.rounds} interleaved rounds; ${WORKERS} workers of ${SLOTS} slots; ${HEALTHY_STREAMS} streams, together ` +
      `${EVENTS_PER_SECOND} live events/s; ${options.dead} dead letters, ${shown(perSecond, 0)} of them a second`,
  )
  console.log('commit to receiver, ms; medians of rounds (least … most)')
  console.log(`${''.padEnd(18)}  p50    p95    p99 (least … most)     events  p99 to the first        promise`)
  for (const [index, { name, events, p50, p95, p99, toAlone }] of lines.entries()) {
    const kept = toAlone.median <= PROMISED_RATIO ? 'PASS' : `over ${PROMISED_RATIO}`
    const columns = [p50.median.toFixed(1).padEnd(5), p95.median.toFixed(1).padEnd(5), shown(p99, 1).padEnd(21)]
    const ratio = [`${events}`.padEnd(6), shown(toAlone, 2).padEnd(22), index === 1 ? kept : '']
    console.log([name.padEnd(18), ...columns, ...ratio].join('  ').trimEnd())
  }
  console.log(JSON.stringify({ bench: 'redrive', ...options, promised: PROMISED_RATIO, perSecond, lines }))
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

function during({ delivered, course }: RedriveTurn, when: (course: Course, at: number) => boolean): Delivered[] {
  return course === undefined ? [] : delivered.filter(({ committedAt }) => when(course, committedAt))
}

function isRunning({ begunAt, cancelledAt, resumedAt, doneAt }: Course, at: number): boolean {
  return (at >= begunAt && at < cancelledAt) || (at >= resumedAt && at < doneAt)
}

function runningFor({ begunAt, cancelledAt, resumedAt, doneAt }: Course): number {
  return cancelledAt - begunAt + doneAt - resumedAt
}

const latencies = (delivered: readonly Delivered[]): number[] =>
  delivered.map(({ committedAt, arrivedAt }) => arrivedAt - committedAt)

const shown = ({ median, min, max }: Spread, digits: number): string =>
  `${median.toFixed(digits)} (${min.toFixed(digits)} … ${max.toFixed(digits)})`
