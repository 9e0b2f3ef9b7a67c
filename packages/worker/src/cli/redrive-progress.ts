import { formatSpan } from './duration.ts'
import type { RedriveProgress } from './queries/redrives.ts'
import { shortEvent } from './short-event.ts'
import { formatTime } from './table.ts'

/** Says in one line how far a redrive is. */
export function describeProgress(redrive: RedriveProgress): string {
  const { state, released, total, skipped, accepted, dead_again, discarded, waiting, remaining } = redrive
  const parts = [
    `${state}: ${released} of ${total} released`,
    `${accepted} accepted`,
    `${dead_again} dead again`,
    `${waiting} waiting`,
    ...(discarded > 0 ? [`${discarded} discarded`] : []),
    ...(skipped > 0 ? [`${skipped} skipped, their exp had passed`] : []),
    ...(state === 'done' ? [] : [`${remaining} left`]),
    ...(state === 'running' ? [`about ${formatSpan(redrive.remaining_seconds * 1000)} to go`] : []),
  ]
  return parts.join(', ')
}

/** Says which dead letters a redrive is about. */
export function describeFilter({ stream_id, event_type, reason, since, until }: RedriveProgress): string {
  const parts = [stream_id, event_type === null ? null : shortEvent(event_type), reason]
  return [
    parts.filter((part) => part !== null).join(' ') || 'all',
    ...(since === null ? [] : [`from ${formatTime(since)}`]),
    `until ${formatTime(until)}`,
  ].join(' ')
}
