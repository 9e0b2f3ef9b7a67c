import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { clock } from './clock.ts'

/** What a process had used at a moment. */
export interface Usage {
  readonly at: number
  readonly cpuMs: number
  readonly rssMb: number
}

const EVERY_MS = 100
const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4096
const MB = 2 ** 20

/** Looks at a process time and again until it ends or `signal` aborts. Sees nothing where there is no `/proc`. */
export async function watchUsage(pid: number, signal: AbortSignal, everyMs: number = EVERY_MS): Promise<Usage[]> {
  const seen: Usage[] = []
  for (;;) {
    const usage = await usageOf(pid)
    if (usage === undefined) return seen
    seen.push(usage)
    if (signal.aborted) return seen
    await sleep(everyMs, undefined, { signal }).catch(() => undefined)
  }
}

/** What a process has used until now; `undefined` if it is gone, or its system does not tell. */
export async function usageOf(pid: number): Promise<Usage | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (stat === undefined) return undefined
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ') // a name may have spaces; utime, stime and rss are 14, 15, 24
  const [utime, stime, rss] = [11, 12, 21].map((index) => Number(fields[index]))
  return {
    at: clock(),
    cpuMs: (((utime ?? 0) + (stime ?? 0)) * 1000) / TICKS_PER_SECOND,
    rssMb: ((rss ?? 0) * PAGE_BYTES) / MB,
  }
}

/** The CPU time between two moments, which leaves out what starting took; NaN where nothing was seen. */
export function cpuBetween(seen: readonly Usage[], fromAt: number, toAt: number): number {
  return cpuAt(seen, toAt) - cpuAt(seen, fromAt)
}

function cpuAt(seen: readonly Usage[], time: number): number {
  const after = seen.findIndex(({ at }) => at >= time)
  const [before, next] = [seen.at(after === -1 ? -1 : Math.max(0, after - 1)), seen.at(after)]
  if (before === undefined || next === undefined) return Number.NaN
  if (before === next) return next.cpuMs
  return before.cpuMs + ((next.cpuMs - before.cpuMs) * (time - before.at)) / (next.at - before.at)
}

export function peakRssMb(seen: readonly Usage[]): number {
  return seen.length === 0 ? Number.NaN : Math.max(...seen.map(({ rssMb }) => rssMb))
}
