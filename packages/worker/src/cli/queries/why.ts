import { type Kysely, sql } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'

interface Known<State extends string, Reason extends string> {
  readonly jti: string
  readonly stream_id: string
  readonly event_type: string
  readonly txn: string
  readonly kid: string
  readonly state: State
  readonly created_at: Date
  readonly attempts: number
  readonly reason: Reason
}

type Settled<Outcome extends string> = Known<Outcome, Outcome> & {
  readonly since: Date
  readonly set_sha256: string
}

/** A delivery that has arrived, or has been discarded. */
export type SettledWhy =
  | (Settled<'accepted'> & { readonly status: number; readonly connected_to?: string })
  | (Settled<'discarded'> & { readonly because: string })

type Dead<Reason extends string> = Known<'dead', Reason> & {
  readonly max_attempts: number
  readonly since: Date
  readonly status?: number
  readonly description?: string
}

/** A dead letter. */
export type DeadWhy =
  | (Dead<'refused' | 'exhausted'> & { readonly because?: string })
  | (Dead<'expired'> & { readonly because: 'exp' | 'max_age' })

type Owed<State extends string, Reason extends string> = Known<State, Reason> & {
  readonly max_attempts: number
  /** When it is given up. */
  readonly expires_at: Date
  /** How many its stream has in flight, may have for now, and may have at most. */
  readonly held: number
  readonly allowed: number
  readonly max_in_flight: number
  /** Of the fleet. */
  readonly workers: number
  readonly slots: number
  readonly slots_held: number
}

/** A delivery that is handed over to a worker. */
export type DispatchedWhy =
  | (Owed<'dispatched', 'handed_over' | 'worker_lost'> & { readonly since: Date })
  | (Owed<'dispatched', 'in_flight'> & { readonly worker: string; readonly since: Date; readonly until: Date })

type Waits<Reason extends string> = Owed<'queued', Reason>

/** How many of its stream are due before it; {@link MANY} stands for more than can be counted in no time. */
interface InLine {
  readonly ahead: number
}

/** A delivery that waits. */
export type QueuedWhy =
  | (Waits<'too_old'> & { readonly because: 'exp' | 'max_age'; readonly since: Date })
  | (Waits<'stream_paused' | 'stream_disabled'> & {
      readonly because?: string
      readonly changed_by?: string
      readonly since: Date
    })
  | Waits<'no_worker'>
  | (Waits<'next_attempt'> & {
      readonly because?: string
      readonly status?: number
      readonly description?: string
      readonly until: Date
    })
  | (Waits<'earlier_event' | 'earlier_notice'> & { readonly waits_for: string })
  | (Waits<'breaker_open'> & { readonly because: string; readonly until: Date })
  | (Waits<'window_full'> & InLine & { readonly because?: 'unproven' | 'in_trouble' })
  | (Waits<'rate_limit'> & InLine & { readonly until: Date })
  | (Waits<'behind'> & InLine)
  | Waits<'slots_taken' | 'next'>

/** Why a delivery has not arrived, or that it has: a stable word, `reason`, and the facts that belong to it. */
export type Why = SettledWhy | DeadWhy | DispatchedWhy | QueuedWhy

/** What `ahead` never exceeds. */
export const MANY = 10_001

/** Asks why of one delivery and, where that waits for another one, of that; of none if nothing is known of it. */
export async function askWhy(db: Kysely<OutboxDatabase>, jti: string): Promise<Why[]> {
  const { rows } = await sql<{ set_sha256: Buffer | null }>`select * from risc.why(${jti})`.execute(db)
  return rows.map(({ set_sha256, ...row }) => {
    const facts = Object.fromEntries(Object.entries(row).filter(([, fact]) => fact !== null))
    return { ...facts, ...(set_sha256 !== null && { set_sha256: set_sha256.toString('hex') }) } as unknown as Why
  })
}

/** How far back history reaches. */
export async function readHistorySince(db: Kysely<OutboxDatabase>): Promise<Date | null> {
  const { rows } = await sql<{ since: Date | null }>`select risc.history_since() as since`.execute(db)
  return rows[0]?.since ?? null
}
