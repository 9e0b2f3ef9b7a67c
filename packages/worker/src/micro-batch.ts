interface Waiting<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

/**
 * Makes one statement of what many callers ask at the same moment.
 *
 * The first caller does not wait for company: what arrives while a statement is under way travels in the next one, so
 * batches grow with the load and an idle worker answers at once. A batch that fails is tried again item by item, so that
 * one item spoils no other's.
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
    await answer(batch)
    underWay--
    schedule()
  }

  async function answer(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await run(batch.map(({ item }) => item))
      for (const [index, result] of results.entries()) batch[index]?.resolve(result)
    } catch (error) {
      if (batch.length === 1) batch[0]?.reject(error)
      else for (const one of batch) await answer([one])
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
