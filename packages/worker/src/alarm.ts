import { onAbort } from './on-abort.ts'

/** Pauses that others can end. */
export interface Alarm {
  /** Resolves after `ms`, or as soon as somebody rings or `signal` aborts. */
  pause(ms: number, signal: AbortSignal): Promise<void>
  /** Ends the pause that is under way, if there is one. */
  ring(): void
}

export function createAlarm(): Alarm {
  let end = (): void => undefined

  return {
    async pause(ms, signal) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, ms)
      const forget = onAbort(signal, resolve)
      end = resolve
      await promise
      clearTimeout(timer)
      forget()
    },
    ring: () => end(),
  }
}
