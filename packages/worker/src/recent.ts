/** Values by stream, each until nobody has asked for it for a while: what a stream had that is no more goes then, its secrets among it. */
export interface Recent<Value> {
  get(streamId: string): Value | undefined
  set(streamId: string, value: Value): void
  /** All that is kept now. */
  values(): Value[]
}

/** Longer than any push takes. */
const FORGET_UNUSED_MS = 600_000

/**
 * Keeps values for ten minutes from their last use.
 *
 * @param now a monotonic clock, in milliseconds
 * @param onForget called with each value that goes
 */
export function createRecent<Value>(
  now: () => number,
  onForget: (value: Value) => void = () => undefined,
): Recent<Value> {
  const kept = new Map<string, { readonly value: Value; readonly usedAt: number }>() // the longest unused first

  function use(streamId: string, value: Value): void {
    kept.delete(streamId)
    kept.set(streamId, { value, usedAt: now() })
    for (const [unused, { value, usedAt }] of kept) {
      if (now() - usedAt < FORGET_UNUSED_MS) return
      kept.delete(unused)
      onForget(value)
    }
  }

  return {
    get(streamId) {
      const known = kept.get(streamId)
      if (known !== undefined) use(streamId, known.value)
      return known?.value
    },
    set: use,
    values: () => [...kept.values()].map(({ value }) => value),
  }
}
