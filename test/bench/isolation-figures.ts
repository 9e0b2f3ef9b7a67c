import type { Case, Phase } from './isolation-cases.ts'
import { EVENTS_PER_SECOND, HEALTHY, type Turn } from './isolation-work.ts'
import { quantile } from './quantile.ts'
import { compare, type Spread, spread } from './rounds.ts'

/** Of all rounds together, in milliseconds. */
export interface Quantiles {
  readonly p50: number
  readonly p99: number
}

/** What the healthy streams saw in one phase of one case. */
export interface PhaseFigures {
  readonly name: string
  readonly count: number
  /** How many it should have been: a machine that is too busy to keep the pace measures itself. */
  readonly planned: number
  readonly max: number
  /** From commit to the receiver, round by round, in milliseconds. */
  readonly p50: Spread
  readonly p95: Spread
  readonly p99: Spread
  /** Against the p99 alone, round by round. */
  readonly toAlone: Spread
  /** Where the time goes: until a pass hands it over, until a slot and a claim, until the receiver has it. */
  readonly untilHanded: Quantiles
  readonly untilClaimed: Quantiles
  readonly untilReceived: Quantiles
  /** What the other streams have in flight, and of this in slots, seen four times a second. */
  readonly othersHanded: Spread
  readonly othersClaimed: Spread
}

/** The figures of all phases; of the cases, the first is the one without others. */
export function isolationFigures(cases: readonly Case[], turns: readonly (readonly Turn[])[]): PhaseFigures[] {
  const [aloneCase, aloneTurns] = [cases[0], turns[0]]
  const [alonePhase] = aloneCase?.phases ?? []
  if (alonePhase === undefined || aloneTurns === undefined) return []
  const alone = aloneTurns.map((turn) => quantile(latencies(turn, alonePhase), 0.99))
  return cases.flatMap(({ name, phases }, index) =>
    phases.map((phase) => figuresOf(`${name} ${phase.name}`.trim(), phase, turns[index] ?? [], alone)),
  )
}

function figuresOf(name: string, phase: Phase, turns: readonly Turn[], alone: readonly number[]): PhaseFigures {
  const rounds = turns.map((turn) => latencies(turn, phase))
  const all = turns.flatMap((turn) => within(turn, phase))
  const p99 = rounds.map((round) => quantile(round, 0.99))
  return {
    name,
    count: all.length,
    planned: (turns.length * EVENTS_PER_SECOND * (phase.toMs - phase.fromMs)) / 1000,
    max: quantile(rounds.flat(), 1),
    p50: spread(rounds.map((round) => quantile(round, 0.5))),
    p95: spread(rounds.map((round) => quantile(round, 0.95))),
    p99: spread(p99),
    toAlone: compare(p99, alone),
    untilHanded: quantiles(all.map(({ committedAt, dispatchedAt = Number.NaN }) => dispatchedAt - committedAt)),
    untilClaimed: quantiles(
      all.map(({ dispatchedAt = Number.NaN, claimedAt = Number.NaN }) => claimedAt - dispatchedAt),
    ),
    untilReceived: quantiles(all.map(({ claimedAt = Number.NaN, arrivedAt }) => arrivedAt - claimedAt)),
    othersHanded: spread(turns.flatMap((turn) => othersIn(turn, phase, 'handed'))),
    othersClaimed: spread(turns.flatMap((turn) => othersIn(turn, phase, 'claimed'))),
  }
}

function within({ onsetAt, delivered }: Turn, { fromMs, toMs }: Phase): Turn['delivered'] {
  return delivered.filter(({ committedAt }) => committedAt >= onsetAt + fromMs && committedAt < onsetAt + toMs)
}

function latencies(turn: Turn, phase: Phase): number[] {
  return within(turn, phase).map(({ committedAt, arrivedAt }) => arrivedAt - committedAt)
}

/** A hand-over is not on record when its worker was stopped before it settled. */
function quantiles(values: readonly number[]): Quantiles {
  const known = values.filter((value) => !Number.isNaN(value))
  return { p50: quantile(known, 0.5), p99: quantile(known, 0.99) }
}

function othersIn({ onsetAt, held }: Turn, { fromMs, toMs }: Phase, what: 'handed' | 'claimed'): number[] {
  const sums = new Map<number, number>()
  for (const one of held) {
    if (one.at < onsetAt + fromMs || one.at >= onsetAt + toMs) continue
    sums.set(one.at, (sums.get(one.at) ?? 0) + (one.kind === HEALTHY ? 0 : one[what]))
  }
  return sums.size === 0 ? [0] : [...sums.values()]
}
