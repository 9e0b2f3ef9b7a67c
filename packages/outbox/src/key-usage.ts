import { InvalidOptionsError } from 'risc-set'
import { ask, type OutboxConnection } from './transaction.ts'

/** What depends on one signing key. */
export interface KeyUsage {
  readonly kid: string
  /** SETs that are queued or in flight. */
  readonly unsettled: number
  /** Dead letters, which a retry would send. */
  readonly dead: number
  readonly acceptedRecently: number
  /** Of those accepted recently. */
  readonly lastAcceptedAt: Date | undefined
  /** When the last of the unsettled will be given up and the last acceptance will not be recent. Dead letters do not count. */
  readonly neededUntil: Date | undefined
  /** When `risc-worker key retire` last agreed. */
  readonly retiredAt: Date | undefined
}

/** What counts as recent. */
export interface KeyUsageOptions {
  /** For how long a receiver may verify again what it accepted. Default: a day. */
  readonly recentMs?: number
}

const DAY_MS = 86_400_000

const KEY_USAGE = "select row_to_json(u)::text as usage from risc.key_usage($1::float8 * interval '1 millisecond') u"

interface UsageRow {
  readonly kid: string
  readonly unsettled: number
  readonly dead: number
  readonly accepted_recently: number
  readonly last_accepted_at: string | null
  readonly needed_until: string | null
  readonly retired_at: string | null
}

/** Asks for every key that is used, was recently or is retired, by `kid`. */
export async function readKeyUsage(
  db: OutboxConnection,
  { recentMs = DAY_MS }: KeyUsageOptions = {},
): Promise<KeyUsage[]> {
  if (!Number.isFinite(recentMs) || recentMs < 0) {
    throw new InvalidOptionsError([{ path: 'recentMs', message: 'must not be negative', section: 'risc-outbox' }])
  }
  const rows = await ask(db, KEY_USAGE, [String(recentMs)])
  return rows.map((row) => toUsage(JSON.parse((row as { readonly usage: string }).usage) as UsageRow))
}

function toUsage(row: UsageRow): KeyUsage {
  return {
    kid: row.kid,
    unsettled: row.unsettled,
    dead: row.dead,
    acceptedRecently: row.accepted_recently,
    lastAcceptedAt: toDate(row.last_accepted_at),
    neededUntil: toDate(row.needed_until),
    retiredAt: toDate(row.retired_at),
  }
}

function toDate(text: string | null): Date | undefined {
  return text === null ? undefined : new Date(text)
}
