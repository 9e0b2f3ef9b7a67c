/** Lets at most `limit` calls of `act` run at a time; the others wait in the order they came. */
export function atMost<Args extends readonly unknown[], Result>(
  limit: number,
  act: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  let running = 0
  const waiting: (() => void)[] = []

  return async (...args) => {
    if (running >= limit) await new Promise<void>((resume) => waiting.push(resume))
    else running += 1
    try {
      return await act(...args)
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running -= 1
    }
  }
}
