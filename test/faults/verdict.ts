/** A SET as a receiver got it. */
export interface Arrival {
  readonly jti: string
  readonly hash: string
  /** On the harness's monotonic clock. */
  readonly at: number
  /** Whether it was answered by 202; what was cut off before is not delivered yet. */
  accepted: boolean
}

/** What the producer knows of its transactions, in `jti`s. */
export interface Promised {
  /** Their COMMIT was acknowledged, or was found to have happened. */
  readonly committed: ReadonlySet<string>
  /** Rolled back, or found not to have happened. */
  readonly rolledBack: ReadonlySet<string>
}

/** What became of what was promised. */
export interface Verdict {
  readonly committed: number
  /** How many of the committed arrived, each counted once. */
  readonly received: number
  /** Committed and never accepted. */
  readonly lost: number
  /** Arrivals of what had arrived before. */
  readonly duplicates: number
  /** Arrivals with other bytes than the first of the same `jti`. */
  readonly altered: number
  /** Rolled back, and received all the same. */
  readonly invented: number
}

/** Compares what was promised with what arrived since. `before` had arrived earlier: it counts for duplicates alone. */
export function judge(promised: Promised, arrivals: readonly Arrival[], before: ReadonlyMap<string, string>): Verdict {
  const hashes = new Map(before)
  const accepted = new Set(arrivals.filter((arrival) => arrival.accepted).map(({ jti }) => jti))
  const received = new Set(arrivals.map(({ jti }) => jti))
  let duplicates = 0
  let altered = 0
  for (const { jti, hash } of arrivals) {
    const known = hashes.get(jti)
    if (known === undefined) hashes.set(jti, hash)
    else duplicates++
    if (known !== undefined && known !== hash) altered++
  }
  return {
    committed: promised.committed.size,
    received: count(promised.committed, (jti) => received.has(jti)),
    lost: count(promised.committed, (jti) => !accepted.has(jti)),
    duplicates,
    altered,
    invented: count(promised.rolledBack, (jti) => received.has(jti)),
  }
}

function count(jtis: ReadonlySet<string>, counts: (jti: string) => boolean): number {
  return [...jtis].filter(counts).length
}
