import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AlternateScreen, openAlternateScreen } from '../alternate-screen.ts'
import { explainError } from '../explain-error.ts'
import { printJsonLine } from '../json.ts'
import { terminalOf } from '../terminal.ts'
import type { World } from '../world.ts'
import { lastMinutes } from './last-minute.ts'
import { type Lookout, openLookout, type Sight } from './lookout.ts'
import { report } from './report.ts'
import { drawScreen, type View } from './screen.ts'

/** How to watch. */
export interface WatchOptions {
  readonly databaseUrl: string
  readonly everyMs: number
  readonly json: boolean
}

type Look = { readonly sight: Sight } | { readonly error: unknown }

const QUITS = ['q', 'Q', '\u0003'] // Ctrl-C, which is a key like others for a terminal that shows none

/** Looking takes this part of the time at most, however slow the database is. */
const LOOKING_SHARE = 1 / 5

/**
 * Shows the status again and again, until it is told to stop. It outlives outages of the database, but for the first look:
 * a database that cannot be used at all is told as by any other command.
 */
export async function watchStatus({ databaseUrl, everyMs, json }: WatchOptions, world: World): Promise<void> {
  const stopping = new AbortController()
  const lookout = openLookout(databaseUrl)
  world.onSignal(() => stopping.abort())
  try {
    const looks = lookEvery(everyMs, lookout, stopping.signal)
    if (json) await printLooks(looks, world)
    else await showLooks(looks, world, () => stopping.abort())
  } finally {
    await lookout.close()
  }
}

async function* lookEvery(everyMs: number, lookout: Lookout, signal: AbortSignal): AsyncGenerator<Look> {
  const stopped = once(signal, 'abort').then(() => undefined)
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    const look = await Promise.race([tryToLook(lookout), stopped])
    if (look === undefined) return
    if (isFirst && 'error' in look) throw look.error
    yield look
    const restMs = 'sight' in look ? look.sight.tookMs * (1 / LOOKING_SHARE - 1) : 0
    await sleep(Math.max(everyMs, restMs), undefined, { signal }).catch(() => undefined)
  }
}

function tryToLook(lookout: Lookout): Promise<Look> {
  return lookout.look().then(
    (sight) => ({ sight }),
    (error: unknown) => ({ error }),
  )
}

async function printLooks(looks: AsyncIterable<Look>, { stdout, stderr }: World): Promise<void> {
  let isAway = false
  for await (const look of looks) {
    if ('error' in look) {
      if (!isAway) stderr.write(`risc-worker: ${explainError(look.error)}; looking again\n`)
    } else {
      if (isAway) stderr.write('risc-worker: the database is back\n')
      printJsonLine(stdout, { ...report(look.sight.seen, look.sight.counts, look.sight.countedMsAgo) })
    }
    isAway = 'error' in look
  }
}

async function showLooks(looks: AsyncIterable<Look>, world: World, stop: () => void): Promise<void> {
  let screen: AlternateScreen | undefined
  let view: View | undefined
  function draw(): void {
    const { columns = 80, rows = 24, colours } = terminalOf(world)
    if (view !== undefined) screen?.show(drawScreen(view, { columns, rows, colours }))
  }
  world.onResize(draw)
  const letGoOfKeys = world.onKey((keys) => {
    if (QUITS.some((key) => keys.includes(key))) stop()
  })
  try {
    for await (const look of looks) {
      view = viewOf(look, view)
      screen ??= openAlternateScreen(world.stdout)
      draw()
    }
  } finally {
    screen?.close()
    letGoOfKeys()
  }
}

function viewOf(look: Look, before: View | undefined): View | undefined {
  if ('error' in look) return before && { ...before, trouble: `${explainError(look.error)}; looking again` }
  const { seen, counts, countedMsAgo } = look.sight
  return { report: report(seen, counts, countedMsAgo), minutes: lastMinutes(seen), trouble: undefined }
}
