import { setTimeout as sleep } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import { CommandFailedError } from './command-error.ts'
import {
  awaitStatus,
  type DiscardedBatch,
  deleteStream,
  discardBatch,
  forgetSubjects,
} from './queries/stream-removal.ts'
import { countOwed, type Owed } from './queries/stream-state.ts'
import { changeStatus } from './queries/stream-status.ts'
import { readStream } from './queries/streams.ts'

/** How a stream is to be removed. */
export interface RemovalOptions {
  /** Why what it has is discarded; without it, the stream has to have nothing. */
  readonly reason: string | undefined
  /** Who removes it. */
  readonly by: string
  /** How long to wait for what is in flight. */
  readonly waitMs: number
  /** Called when something is in flight that has to be waited for. */
  readonly onWait: (dispatched: number) => void
}

/** What was removed with the stream. */
export interface RemovalReport {
  readonly discarded: DiscardedBatch
  readonly subjects: number
}

const LOOK_AGAIN_MS = 100
/** What comes while the stream is being disabled is discarded as if that alone had been asked for. */
const LATE = 'stream_disabled'

/**
 * Removes a stream with all that it has. Any step may be the last one before a crash: the next call goes on.
 *
 * What is to be discarded is held back first, since workers discard what a disabled stream has, and not for that reason.
 * Only then is it disabled, so that nothing new comes.
 *
 * @throws {@link CommandFailedError} if something is owed that may not be discarded, or does not land in time.
 */
export async function removeStream(
  db: Kysely<OutboxDatabase>,
  streamId: string,
  { reason, by, waitMs, onWait }: RemovalOptions,
): Promise<RemovalReport> {
  const patience = { deadline: performance.now() + waitMs, onWait }
  let asked: DiscardedBatch = { queued: 0, dead: 0 }
  if (reason === undefined) {
    const owed = await countOwed(db, streamId)
    if (!isNothing(owed)) throw new CommandFailedError(refusal(streamId, owed))
  } else {
    const { status } = await readStream(db, streamId)
    const paused = { streamId, status: 'paused', reason: `being removed: ${reason}`, by } as const
    if (status === 'enabled') await changeStatus(db, paused)
    await awaitStatus(db)
    asked = await emptyStream(db, streamId, reason, patience)
  }
  await changeStatus(db, { streamId, status: 'disabled', reason: 'being removed', by })
  await awaitStatus(db)
  const late = await emptyStream(db, streamId, LATE, patience)

  let subjects = 0
  for (let some = -1; some !== 0; subjects += some) some = await forgetSubjects(db, streamId)
  const removal = await deleteStream(db, streamId)
  if (removal !== 'removed') throw new CommandFailedError(`stream ${streamId} ${removal} meanwhile: try again`)
  return { discarded: { queued: asked.queued + late.queued, dead: asked.dead + late.dead }, subjects }
}

/** Discards what a stream has that is held back, in batches, until there is nothing; what is in flight is waited for. */
async function emptyStream(
  db: Kysely<OutboxDatabase>,
  streamId: string,
  reason: string,
  { deadline, onWait }: { readonly deadline: number; readonly onWait: RemovalOptions['onWait'] },
): Promise<DiscardedBatch> {
  const discarded = { queued: 0, dead: 0 }
  for (let waiting = false; ; await sleep(LOOK_AGAIN_MS)) {
    for (let more = true; more; ) {
      const { queued, dead } = await discardBatch(db, streamId, reason)
      discarded.queued += queued
      discarded.dead += dead
      more = queued + dead > 0
    }
    const owed = await countOwed(db, streamId)
    if (isNothing(owed)) return discarded
    if (performance.now() > deadline) throw new CommandFailedError(`${describe(owed)} left after --wait: try again`)
    if (!waiting && owed.dispatched > 0) onWait(owed.dispatched)
    waiting ||= owed.dispatched > 0
  }
}

const isNothing = ({ queued, dispatched, dead }: Owed): boolean => queued + dispatched + dead === 0

const describe = ({ queued, dispatched, dead }: Owed): string =>
  `${queued} queued, ${dispatched} dispatched and ${dead} dead deliveries are`

const refusal = (streamId: string, owed: Owed): string =>
  `stream ${streamId} cannot be removed: ${describe(owed)} on record; --discard --note <text> gives them up, to history`
