import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'

const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 7)

/** A case that takes longer hangs. */
const LONGEST_CASE_MS = 20_000

/** Tries a property with ever new values until `FUZZ_SECONDS` are over. A failure tells its seed, which tries it again. */
export async function fuzz<Values>(property: fc.IAsyncPropertyWithHooks<Values>): Promise<void> {
  let lastCase = Promise.withResolvers<void>()
  property.beforeEach(() => {
    lastCase = Promise.withResolvers()
  })
  property.afterEach(() => lastCase.resolve())
  await fc.assert(property, {
    numRuns: 1e9,
    interruptAfterTimeLimit: SECONDS * 1000,
    timeout: LONGEST_CASE_MS,
  })
  // When its time is up fast-check is content with the cases before, and lets go of the one under way.
  const hangs = sleep(LONGEST_CASE_MS, true, { ref: false })
  if (await Promise.race([lastCase.promise, hangs])) throw new Error('the last case hangs')
}
