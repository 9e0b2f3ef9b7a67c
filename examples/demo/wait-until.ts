import { setTimeout as sleep } from 'node:timers/promises'
import type { WorkerProcess } from './risc-worker.ts'

const ASK_EVERY_MS = 25
const DEADLINE_MS = 20_000

/**
 * Resolves as soon as `isSo` says yes. Rejects at the deadline, saying what was waited for, or when a worker dies; either
 * way with the end of the workers' logs.
 */
export async function waitUntil(
  what: string,
  workers: readonly WorkerProcess[],
  isSo: () => Promise<boolean>,
): Promise<void> {
  const giveUp = new AbortController()
  try {
    await Promise.race([ask(what, isSo, giveUp.signal), ...workers.map(({ died }) => died)])
  } catch (error) {
    giveUp.abort()
    const logs = workers.map(({ recentLog }) => recentLog()).join('\n')
    throw new Error(`${error instanceof Error ? error.message : error}\n${logs}`, { cause: error })
  }
}

async function ask(what: string, isSo: () => Promise<boolean>, giveUp: AbortSignal): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS
  while (!giveUp.aborted && !(await isSo())) {
    if (performance.now() > deadline) throw new Error(`waited ${DEADLINE_MS / 1000} s in vain until ${what}`)
    await sleep(ASK_EVERY_MS)
  }
}
