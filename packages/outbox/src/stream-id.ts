import { UnknownStreamError } from './errors.ts'

/** Refuses what can be no stream's id (SSF 1.0 §8.1.1): a look-up that gives none must not pass for one that tells nobody. */
export function assertStreamId(streamId: unknown): void {
  if (typeof streamId === 'string' && /^[\w.~-]{1,64}$/.test(streamId)) return
  throw new UnknownStreamError('there is no such stream: an id is 1 to 64 letters, digits and -._~')
}
