/** Keeps what has been started, to stop it however the demo ends. */
export interface Cleanup {
  /** Notes how to stop what was just started; stops it at once where the end has come already. */
  later(stop: () => Promise<unknown>): Promise<void>
  /** Stops everything, the latest first. One that fails to stop does not keep the others. */
  run(): Promise<void>
}

export function createCleanup(): Cleanup {
  const stops: (() => Promise<unknown>)[] = []
  let over = false

  return {
    async later(stop) {
      if (over) await stop()
      else stops.push(stop)
    },
    async run() {
      over = true
      const failures: unknown[] = []
      for (const stop of stops.splice(0).reverse()) await stop().catch((failure) => failures.push(failure))
      if (failures.length > 0) throw new AggregateError(failures, 'not everything could be stopped')
    },
  }
}
