import { type Alarm, createAlarm } from './alarm.ts'
import { dispatch, goesOn, type Pass, pauseAfterPass } from './dispatch.ts'
import type { Ledger } from './ledger.ts'

/** Takes a worker's turns at dispatching, one after the other. */
export interface Dispatcher {
  /** Takes a turn among so many workers. Returns how long to wait for the next one, in milliseconds. */
  takeTurn(workers: number): Promise<number>
  /** The wait for the next turn: ended as soon as so much is done that a pass finds room. */
  readonly wait: Alarm
  /** Says that one more delivery of this worker is done. */
  noteDone(): void
  /** How long ago its last pass ended, in milliseconds; `undefined` if there was none. */
  passedMsAgo(): number | undefined
}

/** What a dispatcher needs. */
export interface DispatcherSettings {
  readonly ledger: Pick<Ledger, 'ask'>
  readonly slots: number
  readonly stopping: AbortSignal
  /** Called after each pass, also if it found nothing. */
  readonly onPass: (pass: Pass) => void
}

/** So much pays for a pass; and what is left goes on meanwhile. */
const PART_OF_SLOTS = 1 / 4
/** The same for each worker of a fleet of small ones: together they ask no more often than one would. */
const FEW = 10

export function createDispatcher({ ledger, slots, stopping, onPass }: DispatcherSettings): Dispatcher {
  const wait = createAlarm()
  let passedAt: number | undefined
  let handedAt = performance.now()
  let enough = Number.POSITIVE_INFINITY
  let goOn = false
  let done = 0 // since the last turn began

  const isTime = (): boolean => goOn && done >= enough

  return {
    wait,
    async takeTurn(workers) {
      const wentOn = goOn
      goOn = false
      done = 0
      enough = Math.max(PART_OF_SLOTS * slots, FEW * workers)
      const pass = await dispatch(ledger, stopping)
      const now = performance.now()
      goOn = pass === undefined ? wentOn : goesOn(pass)
      if (pass !== undefined) {
        passedAt = now
        if (pass.handed > 0) handedAt = now
        onPass(pass)
      }
      return isTime() ? 0 : pauseAfterPass(pass, { idleMs: now - handedAt, workers, random: Math.random() })
    },
    noteDone() {
      done++
      if (isTime()) wait.ring()
    },
    passedMsAgo: () => (passedAt === undefined ? undefined : performance.now() - passedAt),
  }
}
