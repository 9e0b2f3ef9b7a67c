import { type Alarm, createAlarm } from './alarm.ts'

const PAUSE_AFTER_ERROR_MS = 1000

/**
 * Takes `step` again and again, each time after the pause (in milliseconds) that the last one asked for, until `signal`
 * aborts. It never rejects: a step that fails is reported and taken again.
 *
 * @param alarm ends a pause early when it rings
 */
export async function loop(
  step: () => Promise<number>,
  signal: AbortSignal,
  onError: (error: unknown) => void,
  alarm: Alarm = createAlarm(),
): Promise<void> {
  while (!signal.aborted) {
    const pauseMs = await step().catch((error: unknown) => {
      if (!signal.aborted) onError(error)
      return PAUSE_AFTER_ERROR_MS
    })
    await alarm.pause(pauseMs, signal)
  }
}
