import type { Command } from 'commander'
import { MisuseError } from './command-error.ts'
import { eventUri } from './event-uri.ts'
import { type Moment, moment } from './moment.ts'

/** Which dead letters are meant; what is not there says nothing. */
export interface DeadFilter {
  readonly streamId?: string
  /** Its URI. */
  readonly eventType?: string
  /** Of giving up, or of the last attempt. */
  readonly reason?: string
  /** Since when they have been dead. */
  readonly since?: Moment
  readonly until?: Moment
}

/** What a command line says of it. */
export interface DeadFilterOptions {
  readonly dead?: true
  readonly allDead?: true
  readonly stream?: string
  readonly event?: string
  readonly reason?: string
  readonly since?: Moment
  readonly until?: Moment
}

/** Adds the options that choose dead letters. */
export function addDeadFilterOptions(command: Command): Command {
  return command
    .option('--dead', 'the dead letters that fit all of:')
    .option('--stream <id>', '  of this stream')
    .option('--event <type>', '  of this event, by its short name or URI')
    .option('--reason <reason>', '  given up for this: refused, exhausted, expired, or what the last attempt came to')
    .option('--since <time>', '  dead since then or later: 2026-03-01T14:00:00Z, or how long ago: 24h', moment)
    .option('--until <time>', '  dead by then', moment)
    .option('--all-dead', 'all dead letters of all streams')
}

/**
 * Reads which dead letters are meant, or `undefined` where deliveries are named by their `jti`.
 *
 * @throws {@link MisuseError}
 */
export function readDeadFilter(jtis: readonly string[], options: DeadFilterOptions): DeadFilter | undefined {
  const { dead, allDead, stream, event, reason, since, until } = options
  const narrows = [stream, event, reason, since, until].some((value) => value !== undefined)
  if ([jtis.length > 0, dead, allDead].filter(Boolean).length !== 1) {
    throw new MisuseError(
      'name one of: the jti of one or more deliveries, --dead with what narrows it down, or --all-dead',
    )
  }
  if (narrows && !dead) throw new MisuseError('what narrows down dead letters goes with --dead')
  if (dead && !narrows) throw new MisuseError('--dead needs one of --stream, --event, --reason, --since or --until')
  if (jtis.length > 0) return undefined
  return {
    ...(stream !== undefined && { streamId: stream }),
    ...(event !== undefined && { eventType: eventUri('--event', event) }),
    ...(reason !== undefined && { reason }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
  }
}
