import { story } from './story.ts'
import type { WatchedStage } from './watch.ts'

/** A phase as it went. */
export interface PlayedPhase {
  readonly name: string
  /** As `Date.now()` tells it. */
  readonly startedAt: number
  readonly endedAt: number
  /** From the fault, or its end, until things flowed again; `undefined` where nothing can flow. */
  readonly resumedAfterMs: number | undefined
}

/** Plays the whole story. Rejects if something does not happen in time. */
export async function play(stage: WatchedStage): Promise<PlayedPhase[]> {
  const played: PlayedPhase[] = []
  for (const phase of story) {
    const startedAt = Date.now()
    process.stdout.write(`${phase.name} … `)
    const resumption = await phase.play(stage)
    const endedAt = Date.now()
    console.log(`${((endedAt - startedAt) / 1000).toFixed(1)} s`)
    const resumedAfterMs = resumption && resumption.flowedAt - resumption.from
    played.push({ name: phase.name, startedAt, endedAt, resumedAfterMs })
  }
  return played
}
