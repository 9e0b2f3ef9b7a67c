/** Maps items with at most `limit` of them under way at a time; results are in the order of the items. */
export async function mapAtMost<Item, Result>(
  items: readonly Item[],
  limit: number,
  map: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const entries = items.entries()
  async function work(): Promise<void> {
    for (const [index, item] of entries) results[index] = await map(item)
  }
  await Promise.all(Array.from({ length: limit }, work))
  return results
}
