import { setTimeout as sleep } from 'node:timers/promises'

const DEADLINE_MS = 20_000
const POLL_EVERY_MS = 5

/**
 * Waits for something to become true, where nothing says when it does, such as a row. Returns what `look` finds.
 *
 * @param what what is waited for, to complete the sentence "gave up waiting for …"
 */
export async function until<Found>(
  look: () => Promise<Found | undefined>,
  what: string,
  withinMs = DEADLINE_MS,
): Promise<Found> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > deadline) throw new Error(`gave up waiting for ${what} after ${withinMs / 1000} s`)
    await sleep(POLL_EVERY_MS)
  }
}
