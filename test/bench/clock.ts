import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds since 1970, with their fractions: the one clock that all processes of a bench share. */
export function clock(): number {
  return performance.timeOrigin + performance.now()
}

export async function sleepUntil(time: number): Promise<void> {
  await sleep(Math.max(0, time - clock()))
}
