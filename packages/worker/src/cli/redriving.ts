import type { Kysely } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import type { DeadFilter } from './dead-filter.ts'
import { formatSpan } from './duration.ts'
import { printJson } from './json.ts'
import { operator } from './operator.ts'
import { planRedrive, type RedrivePlan, readRedrivesPerSecond, startRedrive } from './queries/redrives.ts'
import { formatRate } from './rate.ts'
import { requireStream } from './require-stream.ts'
import { formatTable } from './table.ts'
import type { World } from './world.ts'

/** Which dead letters to send again, and how. */
export interface WantedRedrive {
  readonly filter: DeadFilter
  /** Of each stream; by default, a safe part of its rate limit. */
  readonly perSecond: number | undefined
  /** Only says what it would do. */
  readonly dryRun: true | undefined
  readonly json: true | undefined
}

/** Says how many dead letters are to be sent again and how long it takes, and begins with it. */
export async function beginRedrive(db: Kysely<OutboxDatabase>, wanted: WantedRedrive, world: World): Promise<void> {
  const { filter, perSecond, dryRun, json } = wanted
  if (filter.streamId !== undefined) await requireStream(db, filter.streamId)
  const streams = await planRedrive(db, { filter, perSecond })
  const together = await readRedrivesPerSecond(db)
  const totals = summarise(streams, together)
  const id =
    dryRun || totals.to_send === 0 ? undefined : await startRedrive(db, { filter, perSecond, by: operator(world) })
  if (json) {
    printJson(world.stdout, { redrive: id ?? null, ...totals, streams })
    return
  }
  if (totals.to_send > 0) world.stdout.write(formatPlan(streams))
  world.stdout.write(`${describePlan(totals, streams, id)}\n`)
  world.stderr.write(explainUnsent(totals))
  if (id === undefined) return
  world.stderr.write(`see \`risc-worker redrive watch ${id}\`; stop it by \`risc-worker redrive cancel ${id}\`\n`)
  if (together === undefined) world.stderr.write('no worker is alive: it begins when one is\n')
}

/** What becomes of all that fit, over all streams. */
interface Totals {
  readonly to_send: number
  readonly exp_passed: number
  readonly stream_disabled: number
  readonly about_stream: number
  readonly seconds: number
}

/** Streams are redriven beside each other, but no faster than the fleet redrives all `together`. */
function summarise(streams: readonly RedrivePlan[], together = Number.POSITIVE_INFINITY): Totals {
  const sum = (key: Exclude<keyof Totals, 'seconds'>): number =>
    streams.reduce((total, stream) => total + stream[key], 0)
  const each = streams.map((stream) => stream.to_send / stream.per_second)
  return {
    to_send: sum('to_send'),
    exp_passed: sum('exp_passed'),
    stream_disabled: sum('stream_disabled'),
    about_stream: sum('about_stream'),
    seconds: Math.round(Math.max(sum('to_send') / together, ...each)),
  }
}

function describePlan({ to_send, seconds }: Totals, streams: readonly RedrivePlan[], id: number | undefined): string {
  if (to_send === 0) return 'nothing to send again'
  const names = streams.filter((stream) => stream.to_send > 0).map(({ stream_id }) => stream_id)
  const letters = `${to_send} dead letters of ${names.length === 1 ? names[0] : `${names.length} streams`}`
  const begun = id === undefined ? 'would send' : `redrive ${id} sends`
  return `${begun} ${letters} again, in about ${formatSpan(seconds * 1000)}`
}

/** Says why the others are not sent, one line for each reason. */
function explainUnsent({ exp_passed, stream_disabled, about_stream }: Totals): string {
  const reasons = [
    [exp_passed, 'cannot be sent, the exp of their SET has passed'],
    [stream_disabled, 'cannot be sent, their stream is disabled'],
    [about_stream, 'are about a stream itself: retry them by jti'],
  ] as const
  return reasons.map(([count, why]) => (count > 0 ? `${count} ${why}\n` : '')).join('')
}

function formatPlan(streams: readonly RedrivePlan[]): string {
  return formatTable(
    ['STREAM', 'DEAD', 'TO BE SENT', 'RATE', 'TAKES'],
    streams.map((stream) => [
      stream.stream_id,
      stream.total,
      stream.to_send,
      formatRate(stream.per_second),
      formatSpan((stream.to_send / stream.per_second) * 1000),
    ]),
  )
}
