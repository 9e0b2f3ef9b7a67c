/** Of so many requests, those that come while their sender still compiles its code and opens its connections. */
export function warmUpOf(count: number): number {
  return Math.ceil(count / 5)
}
