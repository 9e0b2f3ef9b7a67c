import { adviseProbing, adviseResuming, whoAndWhy } from './held-stream.ts'
import { type DeadWhy, type DispatchedWhy, MANY, type QueuedWhy, type SettledWhy, type Why } from './queries/why.ts'
import { formatTime } from './table.ts'

/** For somebody who does not know our code: why, and what to do where there is something to do. */
export interface Explanation {
  readonly answer: string
  readonly advice?: string
}

/** Says in plain words why a delivery has not arrived, or that it has. */
export function explainWhy(why: Why): Explanation {
  switch (why.state) {
    case 'accepted':
    case 'discarded':
      return { answer: explainSettled(why) }
    case 'dead':
      return explainDead(why)
    case 'dispatched':
      return withoutWorkers(why, explainDispatched(why))
    case 'queued':
      return why.reason === 'no_worker' ? explainQueued(why) : withoutWorkers(why, explainQueued(why))
    default:
      return why satisfies never
  }
}

const NO_WORKER = 'no worker is alive'
const START_A_WORKER = 'on a delivering host: risc-worker run'

/** What else holds a delivery back is worth knowing first; but mending it would not be enough. */
function withoutWorkers({ workers }: { readonly workers: number }, explanation: Explanation): Explanation {
  if (workers > 0) return explanation
  const { answer, advice } = explanation
  return {
    answer: `${answer} Besides, ${NO_WORKER}.`,
    advice: advice === undefined ? START_A_WORKER : `${advice}; and ${START_A_WORKER}`,
  }
}

function explainSettled(why: SettledWhy): string {
  const at = formatTime(why.since)
  const proof = `The SHA-256 of the SET is ${why.set_sha256}, its key ${why.kid}.`
  switch (why.reason) {
    case 'accepted': {
      const from = why.connected_to === undefined ? '' : ` from ${why.connected_to}`
      return `Accepted by ${why.stream_id} at ${at}, with status ${why.status}${from}, at attempt ${why.attempts}. ${proof}`
    }
    case 'discarded':
      return `Discarded at ${at}: ${explainDiscard(why.because)}. ${proof}`
    default:
      return why satisfies never
  }
}

function explainDiscard(because: string): string {
  switch (because) {
    case 'stream_disabled':
      return 'its stream was disabled, and nothing is kept for a disabled stream'
    case 'erased':
      return 'the person it was about was erased'
    case 'retention':
      return 'it was a dead letter for as long as these are kept'
    default:
      return `an operator wrote "${because}"`
  }
}

function explainDead(why: DeadWhy): Explanation {
  const at = formatTime(why.since)
  const retry = `risc-worker retry ${why.jti}`
  switch (why.reason) {
    case 'refused':
      return {
        answer: `Refused by ${why.stream_id} at ${at} with ${answerOf(why)}: the same SET would be refused again.`,
        advice: `once the receiver takes it: ${retry}`,
      }
    case 'exhausted':
      return {
        answer: `Given up at ${at}, after ${why.attempts} of ${why.max_attempts} attempts: the last came to ${answerOf(why)}.`,
        advice: `once the receiver is well: ${retry}`,
      }
    case 'expired':
      return why.because === 'exp'
        ? {
            answer: `Given up at ${at}: its SET says by exp that it is too old.`,
            advice: 'it cannot be sent again; the IdP may enqueue the event anew',
          }
        : {
            answer: `Given up at ${at}: it had become older than its stream allows (--max-age).`,
            advice: `to send it all the same: ${retry}`,
          }
    default:
      return why satisfies never
  }
}

function explainDispatched(why: DispatchedWhy): Explanation {
  const at = formatTime(why.since)
  switch (why.reason) {
    case 'in_flight':
      return {
        answer: `In flight: worker ${why.worker} took it up at ${at}, and ${why.stream_id} may answer until ${formatTime(why.until)}.`,
      }
    case 'handed_over':
      return { answer: `Handed over to the workers at ${at}; none has taken it up yet.` }
    case 'worker_lost':
      return { answer: `In flight at ${at}, by a worker that is gone: others take it back within 30 seconds.` }
    default:
      return why satisfies never
  }
}

function explainQueued(why: QueuedWhy): Explanation {
  const stream = `stream ${why.stream_id}`
  switch (why.reason) {
    case 'too_old': {
      const limit = why.because === 'exp' ? 'as its SET says by exp' : 'for its stream (--max-age)'
      return {
        answer: `Too old since ${formatTime(why.since)}, ${limit}: it is about to be given up as a dead letter.`,
      }
    }
    case 'stream_disabled':
      return {
        answer: `Nothing is sent: ${stream} is disabled since ${formatTime(why.since)}, ${whoAndWhy(why)}. It is about to be discarded.`,
      }
    case 'stream_paused':
      return {
        answer: `Held back: ${stream} is paused since ${formatTime(why.since)}, ${whoAndWhy(why)}.`,
        advice: adviseResuming(why),
      }
    case 'no_worker':
      return { answer: `Nothing is sent: ${NO_WORKER}.`, advice: START_A_WORKER }
    case 'next_attempt':
      return {
        answer:
          why.because === undefined
            ? `To be sent at ${formatTime(why.until)}.`
            : `Waits until ${formatTime(why.until)} for attempt ${why.attempts + 1} of ${why.max_attempts}: the last came to ${answerOf(why)}.`,
        advice: `not to wait: risc-worker retry ${why.jti}`,
      }
    case 'earlier_event':
      return {
        answer: `Waits for ${why.waits_for}, an earlier event about the same user: they are to arrive in order.`,
      }
    case 'earlier_notice':
      return {
        answer: `Waits for ${why.waits_for}, which is about ${stream} itself too: such SETs are sent one at a time.`,
      }
    case 'breaker_open':
      return {
        answer: `Held back: ${stream} is in trouble (${why.because}). Nothing is sent before ${formatTime(why.until)}, then one at a time as a probe until one is answered.`,
        advice: adviseProbing(why),
      }
    case 'window_full':
      return { answer: `Due, and ${inLine(why)}: ${stream} has ${why.held} in flight and may have ${windowOf(why)}.` }
    case 'rate_limit':
      return {
        answer: `Due, and ${inLine(why)}: the rate limit of ${stream} has room again at ${formatTime(why.until)}.`,
      }
    case 'slots_taken':
      return {
        answer: `Due: ${why.slots_held} of the fleet's ${why.slots} slots are taken and the rest is kept for others. Streams that are new, slow or in trouble share half.`,
        advice: 'more workers, or a larger RISC_CONCURRENCY, have more slots',
      }
    case 'behind':
      return { answer: `Due, and ${inLine(why)}; ${why.held} of the stream are in flight.` }
    case 'next':
      return { answer: 'Due, and next in turn: it is about to be handed over.' }
    default:
      return why satisfies never
  }
}

function answerOf({
  because,
  status,
  description,
}: Partial<Record<'because' | 'description', string>> & { readonly status?: number }): string {
  // What a token endpoint came to is told by a word of ours.
  if (because?.startsWith('token_') && description !== undefined) return `${because} (${description})`
  const said = description === undefined ? '' : `, saying "${description}"`
  return `${because ?? 'nothing'}${status === undefined ? '' : ` (status ${status})`}${said}`
}

function inLine({ ahead }: { readonly ahead: number }): string {
  if (ahead === 0) return 'first in line'
  return `behind ${ahead < MANY ? ahead : `more than ${MANY - 1}`} of its stream`
}

function windowOf({ allowed, max_in_flight, because }: Extract<QueuedWhy, { reason: 'window_full' }>): string {
  switch (because) {
    case undefined:
      return `${max_in_flight}`
    case 'unproven':
      return `${allowed} for now, ${max_in_flight} once its receiver, which is new or was in trouble, has answered some`
    case 'in_trouble':
      return `${allowed} for now, as its receiver is in trouble, and ${max_in_flight} when that is over`
    default:
      return because satisfies never
  }
}
