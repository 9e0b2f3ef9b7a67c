import type { Pool } from 'pg'
import { createOutbox, type OutboxEvent } from 'risc-outbox'
import type { SubjectIdentifier } from 'risc-set'
import { issuer, keys } from '../../outbox/idp.ts'
import { createPerson, type Person } from './person.ts'

const outbox = createOutbox({ issuer, keys })

/** Whom the tests erase. */
export const ZOE = createPerson({
  user: 'user-1',
  word: 'zoeterwoude',
  email: 'zoeterwoude@example.com',
  phone: '+12065557301',
})

/** Somebody else, whose address and number look like hers. */
export const MARY = createPerson({
  user: 'user-2',
  word: 'maryhopkins',
  email: 'mary.zoeterwoude@example.com',
  phone: '+120655573019',
})

/** What the command reports. */
export type Report = Readonly<Record<string, number>>

/** A report of what there was nothing of. */
export const NOTHING: Report = {
  links: 0,
  queued: 0,
  dispatched: 0,
  dead: 0,
  descriptions: 0,
  claimed: 0,
  encrypted: 0,
  unreadable: 0,
}

/** The command line that erases whoever is known as `subject`. */
export function erase(subject: SubjectIdentifier): string[] {
  return ['erase', '--subject', JSON.stringify(subject)]
}

/** Runs `work` in a transaction that commits. */
export async function commit(
  pool: Pool,
  work: (trx: Parameters<typeof outbox.enqueue>[0]) => Promise<unknown>,
): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await work(client)
    await client.query('commit')
  } finally {
    client.release()
  }
}

/** Makes a user known to one stream. */
export async function link(pool: Pool, user: string, streamId: string, subject: SubjectIdentifier): Promise<void> {
  await commit(pool, (trx) => outbox.link(trx, { user, streamId, subject }))
}

/** Commits events. Returns the `jti`s of their deliveries, in order. */
export async function enqueue(pool: Pool, ...events: readonly OutboxEvent[]): Promise<string[]> {
  const jtis: string[] = []
  await commit(pool, async (trx) => {
    jtis.push(...(await outbox.enqueue(trx, events)).deliveries.map(({ jti }) => jti))
  })
  return jtis
}

/** Makes a person known to each stream by the format that it is named after. */
export async function linkEverywhere(pool: Pool, { user, subjects }: Person): Promise<void> {
  const { rows } = await pool.query('select id from risc.streams')
  for (const [format, subject] of Object.entries(subjects)) {
    for (const { id } of rows) if (id.startsWith(`${format}.`)) await link(pool, user, id, subject)
  }
}
