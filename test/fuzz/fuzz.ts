import fc from 'fast-check'

const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 7)

/** No case of any target takes longer, be it one that fails: it hangs. */
const LONGEST_CASE_MS = 20_000

/** Tries a property with ever new values until `FUZZ_SECONDS` are over. A failure tells its seed, which tries it again. */
export async function fuzz<Values>(property: fc.IAsyncPropertyWithHooks<Values>): Promise<void> {
  await fc.assert(property, {
    numRuns: 1e9,
    interruptAfterTimeLimit: SECONDS * 1000,
    timeout: LONGEST_CASE_MS,
  })
}
