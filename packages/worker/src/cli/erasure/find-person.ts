import type { Kysely } from 'kysely'
import { type OutboxDatabase, orderKey } from 'risc-outbox'
import { type SubjectIdentifier, validateSubject } from 'risc-set'
import { type LinkRow, type OwedRow, readLinks, readLinksOf } from '../queries/erasure.ts'
import { namesIn, namesWith } from './names.ts'
import { createRecognizer, type Recognizer } from './recognizer.ts'

/** Who is to be forgotten: by a name that receivers know, or by the IdP's own. */
export type PersonName = { readonly subject: SubjectIdentifier } | { readonly user: string }

/** Who it is, as the links tell. */
export interface Person {
  /** The IdP's users whom receivers know under the name. */
  readonly users: ReadonlySet<string>
  /** All links of these users, and whatever other link mentions them. */
  readonly links: readonly LinkRow[]
  readonly recognizer: Recognizer
}

/**
 * Finds the users who are known under a name, and from them all their other names: no further, since two who share a
 * telephone need not share all else.
 */
export async function findPerson(
  db: Kysely<OutboxDatabase>,
  name: PersonName,
  streamId: string | undefined,
): Promise<Person> {
  const given = 'subject' in name ? namesIn(name.subject).map((subject) => ({ subject })) : []
  const users = new Set('user' in name ? [name.user] : [])
  const { isKnownAs } = createRecognizer(given)
  for await (const links of given.length > 0 ? readLinks(db, streamId) : []) {
    for (const { user_id, stream_id, subject } of links) {
      if (isSubject(subject) && isKnownAs(subject, stream_id)) users.add(user_id)
    }
  }

  const own = await readLinksOf(db, [...users], streamId)
  const others = own.flatMap(({ stream_id, subject }) => (isSubject(subject) ? namesWith(stream_id, subject) : []))
  const recognizer = createRecognizer([...given, ...others])
  const found: LinkRow[] = []
  for await (const links of readLinks(db, streamId)) {
    found.push(...links.filter((link) => users.has(link.user_id) || recognizer.isIn(link.subject, link.stream_id)))
  }
  return { users, links: found, recognizer }
}

/** What was not written by `link` may be anything, and must not keep anybody from being forgotten. */
function isSubject(value: unknown): value is SubjectIdentifier {
  try {
    validateSubject(value)
    return true
  } catch {
    return false
  }
}

/** Whom a delivery is about, or why nobody can tell. */
export type Verdict = 'person' | 'others' | 'encrypted' | 'unreadable'

/** Makes what tells whom a delivery is about. */
export function createJudge({ users, recognizer }: Person): (owed: OwedRow) => Verdict {
  const orderKeys = new Map<string, ReadonlySet<string>>()

  function keysIn(streamId: string): ReadonlySet<string> {
    const keys = orderKeys.get(streamId) ?? new Set([...users].map((user) => orderKey(streamId, user)))
    orderKeys.set(streamId, keys)
    return keys
  }

  return ({ stream_id, order_key, payload }) => {
    if (order_key !== null && keysIn(stream_id).has(order_key)) return 'person'
    if (payload === null) return 'encrypted'
    try {
      const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
      return recognizer.isIn(claims, stream_id) ? 'person' : 'others'
    } catch {
      return 'unreadable'
    }
  }
}
