interface Waiting<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

/**
 * Makes one statement of what many callers ask at the same moment.
 *
 * The first caller does not wait for company: what arrives while a statement is under way travels in the next one, so
 * batches grow with the load and an idle worker answers at once.
 *
 * @param run answers a batch, one result for each item in the items' order
 */
export function microBatch<Item, Result>(
  run: (items: readonly Item[]) => Promise<readonly Result[]>,
  { size, lanes }: { readonly size: number; readonly lanes: number },
): (item: Item) => Promise<Result> {
  const waiting: Waiting<Item, Result>[] = []
  let underWay = 0
  let scheduled = false

  async function send(): Promise<void> {
    scheduled = false
    if (waiting.length === 0 || underWay === lanes) return
    const batch = waiting.splice(0, size)
    underWay++
    try {
      const results = await run(batch.map(({ item }) => item))
      for (const [index, result] of results.entries()) batch[index]?.resolve(result)
    } catch (error) {
      for (const { reject } of batch) reject(error)
    } finally {
      underWay--
      schedule()
    }
  }

  function schedule(): void {
    if (scheduled || waiting.length === 0 || underWay === lanes) return
    scheduled = true
    setImmediate(send)
  }

  return (item) =>
    new Promise<Result>((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      schedule()
    })
}
