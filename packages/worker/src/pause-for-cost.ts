const SHARE = 10
const LONGEST_MS = 10_000

/**
 * How long to leave alone, in milliseconds, what took so long that it is to stay a small part of the load. Bounded: what took
 * long may have done nothing but wait for an answer that a broken line never brought.
 */
export function pauseForCost(tookMs: number): number {
  return Math.min(SHARE * tookMs, LONGEST_MS)
}
