import { setTimeout as sleep } from 'node:timers/promises'
import type { WorkerProcess } from './risc-worker.ts'

type No = false | undefined

const ASK_EVERY_MS = 25
const DEADLINE_MS = 20_000

/**
 * Resolves as soon as `find` finds something, with that. Rejects at the deadline, saying what was waited for, or when a worker dies; either
 * way with the end of the workers' logs.
 */
export async function waitUntil<Found>(
  what: string,
  workers: readonly WorkerProcess[],
  find: () => Promise<Found | No>,
): Promise<Found> {
  const giveUp = new AbortController()
  try {
    return await Promise.race([ask(what, find, giveUp.signal), ...workers.map(({ died }) => died)])
  } catch (error) {
    giveUp.abort()
    const logs = workers.map(({ recentLog }) => recentLog()).join('\n')
    throw new Error(`${error instanceof Error ? error.message : error}\n${logs}`, { cause: error })
  }
}

async function ask<Found>(what: string, find: () => Promise<Found | No>, giveUp: AbortSignal): Promise<Found> {
  const deadline = performance.now() + DEADLINE_MS
  for (;;) {
    const found = await find()
    if (found) return found
    giveUp.throwIfAborted()
    if (performance.now() > deadline) throw new Error(`waited ${DEADLINE_MS / 1000} s in vain until ${what}`)
    await sleep(ASK_EVERY_MS)
  }
}
