/** What came of one kind of work over all rounds. */
export interface Rate {
  readonly name: string
  /** Per second, round by round. */
  readonly perSecond: readonly number[]
}

/** One kind of work: `once` does it a single time on connection `n`. */
export interface Work {
  readonly name: string
  readonly once: (n: number) => Promise<void>
}

/** How long and how wide to measure. */
export interface RoundSettings {
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
  /** Called before each piece of a round, so that none inherits what another left. */
  readonly reset: () => Promise<void>
}

/** Measures all kinds of work side by side: each has its turn in each round, so the machine's mood is shared out. */
export async function measure(works: readonly Work[], settings: RoundSettings): Promise<Rate[]> {
  const rates = works.map(({ name }) => ({ name, perSecond: [] as number[] }))
  for (let round = -1; round < settings.rounds; round++) {
    for (const [index, work] of turns(works, round + 1)) {
      await settings.reset()
      const rate = await ratePerSecond(work, settings)
      const warmingUp = round < 0
      if (!warmingUp) rates[index]?.perSecond.push(rate)
    }
  }
  return rates
}

/** All items with their indexes, in each round another one first. */
export function turns<Item>(items: readonly Item[], round: number): [number, Item][] {
  const first = round % items.length
  const entries = [...items.entries()]
  return [...entries.slice(first), ...entries.slice(0, first)]
}

async function ratePerSecond({ once }: Work, { seconds, connections }: RoundSettings): Promise<number> {
  const startedAt = performance.now()
  const deadline = startedAt + seconds * 1000
  let done = 0
  await Promise.all(
    Array.from({ length: connections }, async (_, n) => {
      while (performance.now() < deadline) {
        await once(n)
        done++
      }
    }),
  )
  return (done * 1000) / (performance.now() - startedAt)
}

/** The middle one, with the least and the greatest. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const at = (index: number): number => sorted[index] ?? Number.NaN
  return { median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2, min: at(0), max: at(sorted.length - 1) }
}

/** How one rate compares to another, round by round. */
export function ratio(rate: Rate, base: Rate): Spread {
  return compare(rate.perSecond, base.perSecond)
}

/** How the values of all rounds compare to others, round by round. */
export function compare(values: readonly number[], others: readonly number[]): Spread {
  return spread(values.map((value, round) => value / (others[round] ?? Number.NaN)))
}
