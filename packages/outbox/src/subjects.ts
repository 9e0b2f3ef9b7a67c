import { InvalidEventError, type Problem, type SubjectIdentifier, validateSubject } from 'risc-set'
import { checkUser } from './event.ts'
import { assertStreamId } from './stream-id.ts'
import { ask, assertInTransaction, type OutboxTransaction } from './transaction.ts'

/** That a stream's receiver knows a user, and as whom. */
export interface Link {
  /** The IdP's own identifier of the user, as events give it. */
  readonly user: string
  readonly streamId: string
  readonly subject: SubjectIdentifier
}

const LINK = 'select risc.link($1, $2, $3::text::jsonb)'
const UNLINK = 'select risc.unlink($1, $2)::text as unlinked'

/** Writes a link, in place of the one there may be. */
export async function link(trx: OutboxTransaction, { user, streamId, subject }: Link): Promise<void> {
  assertInTransaction(trx)
  assertUser(user)
  assertStreamId(streamId)
  await ask(trx, LINK, [user, streamId, JSON.stringify(validateSubject(subject))])
}

/** Takes a link away; tells whether there was one. */
export async function unlink(trx: OutboxTransaction, { user, streamId }: Omit<Link, 'subject'>): Promise<boolean> {
  assertInTransaction(trx)
  assertUser(user)
  assertStreamId(streamId)
  const [row] = await ask(trx, UNLINK, [user, streamId])
  return (row as { readonly unlinked: string }).unlinked === 'true'
}

function assertUser(user: unknown): void {
  const problems: Problem[] = []
  checkUser(user, problems)
  if (problems.length > 0) throw new InvalidEventError(problems)
}
