import {
  type EventTypes,
  InvalidEventError,
  type Problem,
  type ResolvedEvent,
  resolveEvent,
  type SecurityEvent,
} from 'risc-set'

/**
 * What happened, and to which user of the IdP. `user` is the IdP's own identifier: it chooses who is told and as whom,
 * and is never sent.
 */
export type OutboxEvent<Own extends EventTypes = Record<never, never>> = SecurityEvent<Own> & { readonly user: string }

/** An event found valid. */
export interface CheckedEvent<Own extends EventTypes> {
  readonly given: OutboxEvent<Own>
  /** In the form it will be sent in. */
  readonly resolved: ResolvedEvent
}

/**
 * Checks all events of one call.
 *
 * @throws {@link InvalidEventError} listing the problems of all; where there are several events, paths start with an index.
 */
export function checkEvents<Own extends EventTypes>(
  events: readonly OutboxEvent<Own>[],
  ownTypes: Own | undefined,
): CheckedEvent<Own>[] {
  const problems: Problem[] = []
  const checked = events.flatMap((given, index) => {
    const found: Problem[] = []
    const resolved = checkEvent(given, ownTypes, found)
    problems.push(...found.map((one) => (events.length === 1 ? one : { ...one, path: `[${index}].${one.path}` })))
    return resolved === undefined ? [] : [{ given, resolved }]
  })
  if (problems.length > 0) throw new InvalidEventError(problems)
  return checked
}

/** Notes what is wrong with a user's identifier. */
export function checkUser(user: unknown, problems: Problem[]): void {
  if (typeof user === 'string' && user !== '' && user.isWellFormed() && !user.includes('\0')) return
  const message = 'must be a string that is not empty and holds neither U+0000 nor a lone surrogate'
  problems.push({ path: 'user', message, section: 'risc-outbox' })
}

function checkEvent(given: unknown, ownTypes: EventTypes | undefined, problems: Problem[]): ResolvedEvent | undefined {
  const { user, ...event }: { readonly user?: unknown } = typeof given === 'object' ? { ...given } : {}
  checkUser(user, problems)
  try {
    return resolveEvent(event, ownTypes)
  } catch (error) {
    if (!(error instanceof InvalidEventError)) throw error
    problems.push(...error.problems)
    return undefined
  }
}
