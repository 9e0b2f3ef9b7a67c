/** The loops that a worker lives by. */
export type LoopName = 'claim' | 'dispatch' | 'maintenance' | 'tidying' | 'redrive' | 'retention' | 'heartbeat'

/** How a loop gets on, by the process's monotonic clock. */
export interface LoopProgress {
  readonly loop: LoopName
  /** Since it last came round. */
  readonly ageMs: number
  /** For how long it has been later than it meant to be. */
  readonly overdueMs: number
}

/** When each loop of a worker last came round. */
export interface Progress {
  /** Notes that `loop` has come round, and means to come round again within `pauseMs`. */
  note(loop: LoopName, pauseMs?: number): void
  /** Makes of a loop's `step` one that is noted each time it succeeds. */
  track(loop: LoopName, step: () => Promise<number>): () => Promise<number>
  /** The loops that have begun. */
  read(): readonly LoopProgress[]
}

export function createProgress(): Progress {
  const noted = new Map<LoopName, { readonly at: number; readonly pauseMs: number }>()

  function note(loop: LoopName, pauseMs = 0): void {
    noted.set(loop, { at: performance.now(), pauseMs })
  }

  return {
    note,
    track(loop, step) {
      note(loop)
      return async () => {
        const pauseMs = await step()
        note(loop, pauseMs)
        return pauseMs
      }
    },
    read() {
      const now = performance.now()
      return [...noted].map(([loop, { at, pauseMs }]) => ({
        loop,
        ageMs: now - at,
        overdueMs: Math.max(now - at - pauseMs, 0),
      }))
    },
  }
}
