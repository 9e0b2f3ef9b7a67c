import type { Behaviour } from './receiver-behaviour.ts'

/** How long and how hard to try. */
export interface IsolationOptions extends Record<string, number> {
  readonly rounds: number
  /** What one stream is owed: a healthy one, beside those in trouble. */
  readonly backlog: number
  /** What that stream may be sent per minute. */
  readonly 'backlog-rate': number
  /** How many streams answer just under their deadline. */
  readonly slow: number
}

/** A stream beside the healthy ones. Until the onset, it too is answered at once. */
export interface OtherStream {
  readonly id: string
  readonly behaviour: Behaviour
  /** Due from the beginning: more than will be sent. */
  readonly standing: number
  /** Due from the onset on. */
  readonly backlog: number
  readonly rateLimit: number
}

/** A part of a turn, in milliseconds after the onset. */
export interface Phase {
  readonly name: string
  readonly fromMs: number
  readonly toMs: number
}

/** What the healthy streams have beside them. */
export interface Case {
  readonly name: string
  readonly others: readonly OtherStream[]
  /** New events of the others, all together. */
  readonly eventsPerSecond: number
  readonly phases: readonly Phase[]
}

export const TIMEOUT_MS = 3000
const JUST_UNDER_MS = 2800
/** Nearly two deadlines: what had been learned of the streams before is known to be wrong by then. */
const ONSET_MS = 5000
export const TURN_MS = 12_000
const NO_LIMIT = 1_000_000

/** The same healthy streams alone, beside all kinds of trouble, and beside streams that would fill every slot. */
export function isolationCases({ backlog, 'backlog-rate': backlogRate, slow }: IsolationOptions): Case[] {
  const troubles = (['hang', 'drip', '429', '500'] as const).map((behaviour) => troubled(behaviour, behaviour, 2000))
  const large = { id: 'backlog', behaviour: 'accept', standing: backlog, backlog: 0, rateLimit: backlogRate } as const
  const slowStreams = Array.from({ length: slow }, (_, n) => troubled(`slow-${n + 1}`, `delay-${JUST_UNDER_MS}`, 300))
  return [
    { name: 'a  alone', others: [], eventsPerSecond: 0, phases: [{ name: '', fromMs: 0, toMs: TURN_MS }] },
    { name: 'b  beside trouble', others: [...troubles, large], eventsPerSecond: 10, phases: twoPhases },
    { name: `c  beside ${slow} slow`, others: slowStreams, eventsPerSecond: 20, phases: twoPhases },
  ]
}

const twoPhases: readonly Phase[] = [
  { name: 'onset', fromMs: 0, toMs: ONSET_MS },
  { name: 'steady', fromMs: ONSET_MS, toMs: TURN_MS },
]

function troubled(id: string, behaviour: Behaviour, backlog: number): OtherStream {
  return { id, behaviour, standing: 0, backlog, rateLimit: NO_LIMIT }
}
