import { openCountingReceiver } from './counting-receiver.ts'
import type { Findings } from './findings.ts'
import { keepHandOvers } from './hand-overs.ts'
import { type Case, type IsolationOptions, isolationCases } from './isolation-cases.ts'
import { isolationFigures, type PhaseFigures, type Quantiles } from './isolation-figures.ts'
import { EVENTS_PER_SECOND, HEALTHY, HEALTHY_STREAMS, SLOTS, type Turn, takeTurn, WORKERS } from './isolation-work.ts'
import { newOutbox } from './new-outbox.ts'
import { definePart, type Part } from './part.ts'
import { promises } from './promises.ts'
import { type Spread, turns } from './rounds.ts'
import { onSite, type Site } from './site.ts'

/**
 * From commit to the receiver of healthy streams: alone, beside streams in all kinds of trouble, and beside so many that
 * answer just under their deadline that they would fill every slot.
 */
export const part: Part = definePart<IsolationOptions>({
  name: 'isolation',
  about: 'healthy streams beside streams in trouble',
  minutes: 4,
  options: { rounds: 3, backlog: 50_000, 'backlog-rate': 1000, slow: 30 },
  quick: { rounds: 1, backlog: 500, slow: 3 },
  run: (options) =>
    onSite(async (site) => {
      const cases = isolationCases(options)
      return findingsOf(site, isolationFigures(cases, await takeTurns(site, cases, options.rounds)), options)
    }),
})

async function takeTurns(
  { databaseUrl, pool, receiver }: Site,
  cases: readonly Case[],
  rounds: number,
): Promise<Turn[][]> {
  const others = await openCountingReceiver()
  try {
    await keepHandOvers(pool, `${HEALTHY}-`)
    const site = { databaseUrl, pool, outbox: await newOutbox(), healthy: receiver, others }
    const taken: Turn[][] = cases.map(() => [])
    for (let round = 0; round < rounds; round++) {
      for (const [index, one] of turns(cases, round)) taken[index]?.push(await takeTurn(site, one))
    }
    return taken
  } finally {
    others.close()
  }
}

function findingsOf({ postgres }: Site, figures: readonly PhaseFigures[], options: IsolationOptions): Findings {
  return {
    postgres,
    tables: [
      {
        caption:
          `${options.rounds} interleaved rounds; ${WORKERS} workers of ${SLOTS} slots; ${HEALTHY_STREAMS} healthy streams, ` +
          `together ${EVENTS_PER_SECOND} events/s; a backlog of ${options.backlog}; ms from commit to receiver`,
        columns: [
          { name: 'healthy streams' },
          { name: 'p50', digits: 1 },
          { name: 'p95', digits: 1 },
          { name: 'p99', digits: 1 },
          { name: 'max', digits: 1 },
          { name: 'events' },
          { name: 'p99 to the first', digits: 2 },
        ],
        rows: figures.map(({ name, p50, p95, p99, max, count, planned, toAlone }) => [
          name,
          p50,
          p95,
          p99,
          max,
          `${count}/${planned}`,
          toAlone,
        ]),
      },
      {
        caption:
          'Where the time goes, ms, p50 / p99 of all rounds; in flight of others, and of it in slots, median (… most)',
        columns: [
          { name: 'healthy streams' },
          { name: 'to hand-over' },
          { name: 'to claim' },
          { name: 'to receiver' },
          { name: 'others in flight' },
          { name: 'in slots' },
        ],
        rows: figures.map(({ name, untilHanded, untilClaimed, untilReceived, othersHanded, othersClaimed }) => [
          name,
          pair(untilHanded),
          pair(untilClaimed),
          pair(untilReceived),
          upTo(othersHanded),
          upTo(othersClaimed),
        ]),
      },
    ],
    verdicts: figures.slice(1).map(({ toAlone }) => promises.isolation.judge(toAlone.median)),
    plot: {
      kind: 'bars',
      unit: 'ms, p99 from commit to receiver of healthy streams',
      bars: figures.map(({ name, p99 }) => ({ name, value: p99 })),
    },
  }
}

const pair = ({ p50, p99 }: Quantiles): string => `${p50.toFixed(1)} / ${p99.toFixed(1)}`

const upTo = ({ median, max }: Spread): string => `${median} (… ${max})`
