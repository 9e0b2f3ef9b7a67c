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
  const plan = summarise(streams, together)
  const id =
    dryRun || plan.to_send === 0 ? undefined : await startRedrive(db, { filter, perSecond, by: operator(world) })
  if (json) {
    printJson(world.stdout, { redrive: id ?? null, ...plan, streams })
    return
  }
  const what = `${plan.to_send} dead letters of ${plan.names}`
  const takes = `in about ${formatSpan(plan.seconds * 1000)}`
  if (plan.to_send > 0) world.stdout.write(formatPlan(streams))
  if (id !== undefined) world.stdout.write(`redrive ${id} sends ${what} again, ${takes}\n`)
  else world.stdout.write(plan.to_send > 0 ? `would send ${what} again, ${takes}\n` : 'nothing to send again\n')
  if (plan.exp_passed > 0) world.stderr.write(`${plan.exp_passed} cannot be sent, the exp of their SET has passed\n`)
  if (plan.stream_disabled > 0) world.stderr.write(`${plan.stream_disabled} cannot be sent, their stream is disabled\n`)
  if (id === undefined) return
  world.stderr.write(`see \`risc-worker redrive watch ${id}\`; stop it by \`risc-worker redrive cancel ${id}\`\n`)
  if (together === undefined) world.stderr.write('no worker is alive: it begins when one is\n')
}

function summarise(streams: readonly RedrivePlan[], together = Number.POSITIVE_INFINITY) {
  const sending = streams.filter((stream) => sendable(stream) > 0)
  const [first] = sending
  const toSend = sending.reduce((sum, stream) => sum + sendable(stream), 0)
  return {
    to_send: toSend,
    exp_passed: streams.reduce((sum, stream) => sum + stream.exp_passed, 0),
    stream_disabled: streams.reduce((sum, stream) => sum + stream.stream_disabled, 0),
    seconds: Math.round(Math.max(toSend / together, ...sending.map((stream) => sendable(stream) / stream.per_second))),
    names: first !== undefined && sending.length === 1 ? first.stream_id : `${sending.length} streams`,
  }
}

function formatPlan(streams: readonly RedrivePlan[]): string {
  return formatTable(
    ['STREAM', 'DEAD', 'TO BE SENT', 'RATE', 'TAKES'],
    streams.map((stream) => [
      stream.stream_id,
      stream.total,
      sendable(stream),
      formatRate(stream.per_second),
      formatSpan((sendable(stream) / stream.per_second) * 1000),
    ]),
  )
}

function sendable({ total, exp_passed, stream_disabled }: RedrivePlan): number {
  return total - exp_passed - stream_disabled
}
