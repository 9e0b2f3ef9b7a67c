import { startPostgres } from 'example-local-postgres'
import { migrate } from 'risc-worker'
import { openCountingReceiver } from './counting-receiver.ts'
import { keepHandOvers } from './hand-overs.ts'
import { type Case, isolationCases } from './isolation-cases.ts'
import { isolationFigures, type PhaseFigures, type Quantiles } from './isolation-figures.ts'
import { type IsolationOptions, readOptions, USAGE } from './isolation-options.ts'
import { EVENTS_PER_SECOND, HEALTHY, HEALTHY_STREAMS, SLOTS, type Turn, takeTurn, WORKERS } from './isolation-work.ts'
import { newOutbox } from './new-outbox.ts'
import { openPool } from './open-pool.ts'
import { type Spread, turns } from './rounds.ts'

const PROMISED_RATIO = 1.5

/**
 * From commit to the receiver of healthy streams: alone, beside streams in all kinds of trouble, and beside so many that
 * answer just under their deadline that they would fill every slot. Says whether each p99 keeps within 1.5 times the p99
 * alone, and fails at nothing.
 */
export async function run(args: readonly string[]): Promise<void> {
  const options = readOptions(args)
  if (options === undefined) {
    console.error(USAGE)
    process.exitCode = 64
    return
  }
  const cases = isolationCases(options)
  const taken = await takeTurns(cases, options.rounds)
  report(isolationFigures(cases, taken), options)
}

async function takeTurns(cases: readonly Case[], rounds: number): Promise<Turn[][]> {
  const postgres = await startPostgres({ durable: true })
  const [healthy, others] = [await openCountingReceiver(), await openCountingReceiver()]
  const pool = openPool(postgres.url)
  try {
    await migrate(postgres.url)
    await keepHandOvers(pool, `${HEALTHY}-`)
    const site = { databaseUrl: postgres.url, pool, outbox: await newOutbox(), healthy, others }
    const taken: Turn[][] = cases.map(() => [])
    for (let round = 0; round < rounds; round++) {
      for (const [index, one] of turns(cases, round)) taken[index]?.push(await takeTurn(site, one))
    }
    return taken
  } finally {
    await pool.end()
    healthy.close()
    others.close()
    await postgres.stop()
  }
}

function report(figures: readonly PhaseFigures[], options: IsolationOptions): void {
  const lines = figures.map((phase) => ({ ...phase, kept: phase.toAlone.median <= PROMISED_RATIO }))
  console.log(
    `${options.rounds} interleaved rounds; ${WORKERS} workers of ${SLOTS} slots; ` +
      `${HEALTHY_STREAMS} healthy streams, together ${EVENTS_PER_SECOND} events/s; a backlog of ${options.backlog}`,
  )
  console.log('commit to receiver, ms; medians of rounds (least … most)')
  const name = (text: string): string => text.padEnd(Math.max(...lines.map((line) => line.name.length)))
  console.log(
    `${name('')}  p50     p95     p99 (least … most)        max     events     p99 to a (least … most)  promise`,
  )
  for (const [index, { p50, p95, p99, max, count, planned, toAlone, kept, ...line }] of lines.entries()) {
    const columns = [
      p50.median.toFixed(1).padEnd(6),
      p95.median.toFixed(1).padEnd(6),
      shown(p99, 1).padEnd(24),
      max.toFixed(1).padEnd(6),
      `${count}/${planned}`.padEnd(9),
      shown(toAlone, 2).padEnd(23),
      index === 0 ? '' : kept ? 'PASS' : `over ${PROMISED_RATIO}`,
    ]
    console.log([name(line.name), ...columns].join('  ').trimEnd())
  }
  console.log('where the time goes, ms, p50 / p99 of all rounds; in flight of others, of it in slots, median (… most)')
  console.log(`${name('')}  to hand-over     to claim         to receiver      others in flight  in slots`)
  for (const { untilHanded, untilClaimed, untilReceived, othersHanded, othersClaimed, ...line } of lines) {
    const stages = [untilHanded, untilClaimed, untilReceived].map((stage) => pair(stage).padEnd(15)).join('  ')
    console.log(`${name(line.name)}  ${stages}  ${upTo(othersHanded).padEnd(16)}  ${upTo(othersClaimed)}`)
  }
  console.log(JSON.stringify({ bench: 'isolation', ...options, promised: PROMISED_RATIO, phases: lines }))
}

const shown = ({ median, min, max }: Spread, digits: number): string =>
  `${median.toFixed(digits)} (${min.toFixed(digits)} … ${max.toFixed(digits)})`

const pair = ({ p50, p99 }: Quantiles): string => `${p50.toFixed(1)} / ${p99.toFixed(1)}`

const upTo = ({ median, max }: Spread): string => `${median} (… ${max})`
