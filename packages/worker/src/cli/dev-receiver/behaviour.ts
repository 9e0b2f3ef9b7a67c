import { validateHeaderValue } from 'node:http'
import { MisuseError } from '../command-error.ts'

/** How the receiver is asked to behave, as options. */
export interface BehaviourOptions {
  readonly status?: number
  readonly err?: string
  readonly description?: string
  readonly retryAfter?: string
  readonly delay?: number
  readonly hang?: true
  readonly drip?: true
  readonly reset?: true
  readonly times?: number
}

/** What is done about a request: what it deserves, or what the command line says. */
export type Reply =
  | { readonly kind: 'honest' }
  | { readonly kind: 'answer' | 'drip'; readonly status: number; readonly headers: Headers; readonly body: string }
  | { readonly kind: 'hang' | 'reset' }

/** A reply, and how long it takes. */
export interface Behaviour {
  readonly reply: Reply
  readonly delayMs: number
}

type Headers = Readonly<Record<string, string>>

const HONEST: Behaviour = { reply: { kind: 'honest' }, delayMs: 0 }

/**
 * Says how to behave about the `n`th request, counted from 1.
 *
 * @throws {@link MisuseError} when the options contradict each other.
 */
export function readBehaviour(options: BehaviourOptions): (n: number) => Behaviour {
  const problem = misuse(options)
  if (problem !== undefined) throw new MisuseError(problem)
  const asked: Behaviour = { reply: readReply(options), delayMs: options.delay ?? 0 }
  const { times = Number.POSITIVE_INFINITY } = options
  return (n) => (n <= times ? asked : HONEST)
}

function misuse({ status, err, description, retryAfter, ...options }: BehaviourOptions): string | undefined {
  const { delay, hang, drip, reset, times } = options
  const answers = status !== undefined || err !== undefined || retryAfter !== undefined
  if (status !== undefined && err !== undefined) return '--err goes with 400: leave out --status'
  if (description !== undefined && err === undefined) return '--description goes with --err'
  if ([hang, drip, reset].filter(Boolean).length > 1) return 'choose one of --hang, --drip and --reset'
  if ((hang || reset) && answers)
    return '--hang and --reset give no answer: leave out --status, --err and --retry-after'
  if (hang && delay !== undefined) return '--hang never answers: leave out --delay'
  if (times !== undefined && !(answers || hang || drip || reset || delay !== undefined)) {
    return '--times needs something to do: --status, --err, --retry-after, --delay, --hang, --drip or --reset'
  }
  return retryAfter === undefined || isHeaderValue(retryAfter) ? undefined : '--retry-after cannot be sent in a header'
}

function readReply({ status, err, description, retryAfter, hang, drip, reset }: BehaviourOptions): Reply {
  if (hang) return { kind: 'hang' }
  if (reset) return { kind: 'reset' }
  if (status === undefined && err === undefined && retryAfter === undefined && !drip) return { kind: 'honest' }
  const body = err === undefined ? '' : JSON.stringify({ err, description })
  return {
    kind: drip ? 'drip' : 'answer',
    status: status ?? (err === undefined && !drip ? 503 : 400),
    headers: {
      ...(err !== undefined && { 'content-type': 'application/json', 'content-language': 'en' }),
      ...(retryAfter !== undefined && { 'retry-after': retryAfter }),
    },
    body,
  }
}

function isHeaderValue(text: string): boolean {
  try {
    validateHeaderValue('retry-after', text)
    return true
  } catch {
    return false
  }
}
