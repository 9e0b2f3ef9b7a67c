import { setTimeout as sleep } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import {
  dayBounds,
  deleteLinks,
  eraseDeliveries,
  forgetDescriptions,
  forgetDiscardReasons,
  forgetLastDescriptions,
  forgetStatusReasons,
  type Quotation,
  readOwed,
} from '../queries/erasure.ts'
import { createJudge, findPerson, type Person, type PersonName } from './find-person.ts'

/** Whom to forget, and how. */
export interface ErasureOrder {
  readonly name: PersonName
  /** The only stream to look at; all if there is none. */
  readonly streamId: string | undefined
  readonly dryRun: boolean
  /** How long to wait for what workers are sending. */
  readonly waitMs: number
}

/** What was removed, or in a dry run would be. */
export interface ErasureReport {
  /** The IdP's users whom receivers know under the name. */
  readonly users: number
  readonly links: number
  readonly queued: number
  readonly dispatched: number
  readonly dead: number
  /** What receivers said, and reasons that operators gave, if it quotes the person. */
  readonly descriptions: number
  /** Deliveries that are held by a worker, which may be sending them. These are not removed. */
  readonly claimed: number
  /** SETs that only their receivers can read, and that were enqueued about nobody found. These are not removed. */
  readonly encrypted: number
  /** SETs that cannot be decoded: nobody can tell whom they are about. These are not removed. */
  readonly unreadable: number
}

type Tally = { -readonly [Kind in keyof ErasureReport]: number }

/** No pass of the dispatcher begins during a batch. */
const BATCH = 200
const LOOK_AGAIN_MS = 250

/**
 * Removes what is on record of a person, in steps that each commit: run again, it goes on where it ended.
 *
 * The links go last, and only when nothing is left to wait for: they tell what there is to look for.
 */
export async function erase(
  db: Kysely<OutboxDatabase>,
  { name, streamId, dryRun, waitMs }: ErasureOrder,
): Promise<ErasureReport> {
  const person = await findPerson(db, name, streamId)
  const { users, links, recognizer } = person
  const tally: Tally = {
    users: users.size,
    links: links.length,
    queued: 0,
    dispatched: 0,
    dead: 0,
    descriptions: 0,
    claimed: 0,
    encrypted: 0,
    unreadable: 0,
  }
  if (recognizer.words.length > 0) {
    tally.descriptions += await eraseQuotations(db, { words: recognizer.words, streamId }, dryRun)
  }
  const claimed = await eraseOwed(db, person, { streamId, dryRun }, tally)
  const left = dryRun ? claimed : await eraseOnceLanded(db, claimed, waitMs, tally)
  tally.claimed = left.length
  if (dryRun) return tally
  if (left.length > 0) return { ...tally, links: 0 }
  for (const batch of batches(links)) await deleteLinks(db, batch)
  return tally
}

async function eraseQuotations(db: Kysely<OutboxDatabase>, quotation: Quotation, dryRun: boolean): Promise<number> {
  let count = await forgetStatusReasons(db, quotation, dryRun)
  for (const day of await dayBounds(db, 'risc.attempts')) count += await forgetDescriptions(db, day, quotation, dryRun)
  for (const day of await dayBounds(db, 'risc.history')) count += await forgetDiscardReasons(db, day, quotation, dryRun)
  return count
}

/** Goes once through all that is owed; returns the ids of what a worker may be sending. */
async function eraseOwed(
  db: Kysely<OutboxDatabase>,
  person: Person,
  { streamId, dryRun }: Pick<ErasureOrder, 'streamId' | 'dryRun'>,
  tally: Tally,
): Promise<string[]> {
  const judge = createJudge(person)
  const claimed: string[] = []
  for await (const rows of readOwed(db, { words: person.recognizer.words, streamId })) {
    const judged = rows.map((row) => ({ ...row, verdict: judge(row) }))
    const theirs = judged.filter(({ verdict }) => verdict === 'person')
    const quoting = judged.filter(({ verdict, quotes }) => verdict !== 'person' && quotes)
    tally.encrypted += judged.filter(({ verdict }) => verdict === 'encrypted').length
    tally.unreadable += judged.filter(({ verdict }) => verdict === 'unreadable').length
    tally.descriptions += quoting.length
    if (dryRun) {
      for (const { was } of theirs) if (was !== 'claimed') tally[was]++
      claimed.push(...theirs.filter(({ was }) => was === 'claimed').map(({ id }) => id))
    } else {
      claimed.push(...(await eraseThese(db, idsOf(theirs), tally)))
      await forgetLastDescriptions(db, idsOf(quoting))
    }
  }
  return claimed
}

/** A POST may be on its way: what comes of it is waited for, and erased then. Returns what has not landed in time. */
async function eraseOnceLanded(
  db: Kysely<OutboxDatabase>,
  ids: readonly string[],
  waitMs: number,
  tally: Tally,
): Promise<readonly string[]> {
  const deadline = performance.now() + waitMs
  let left = ids
  while (left.length > 0 && performance.now() < deadline) {
    await sleep(LOOK_AGAIN_MS)
    left = await eraseThese(db, left, tally)
  }
  return left
}

/** Returns the ids of those that are claimed. What has been accepted meanwhile is gone. */
async function eraseThese(db: Kysely<OutboxDatabase>, ids: readonly string[], tally: Tally): Promise<string[]> {
  const claimed: string[] = []
  for (const batch of batches(ids)) {
    for (const { delivery_id, was } of await eraseDeliveries(db, batch)) {
      if (was === 'claimed') claimed.push(delivery_id)
      else tally[was]++
    }
  }
  return claimed
}

const idsOf = (rows: readonly { readonly id: string }[]): string[] => rows.map(({ id }) => id)

function* batches<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += BATCH) yield items.slice(start, start + BATCH)
}
