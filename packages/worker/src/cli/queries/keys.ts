import { type Kysely, sql } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'

/** What depends on one signing key. */
export interface KeyUsage {
  readonly kid: string
  readonly unsettled: number
  readonly dead: number
  readonly accepted_recently: number
  readonly last_accepted_at: Date | null
  readonly needed_until: Date | null
  readonly retired_at: Date | null
  /** Retired, and signing again. */
  readonly in_use_again: boolean
}

/** What came of retiring a key: done, or what it is still needed for. */
export interface Retirement {
  readonly retired: boolean
  readonly unsettled: number
  readonly dead: number
  readonly accepted_recently: number
  readonly needed_until: Date | null
  /** Whether `needed_until` is still to come, by the database's clock. */
  readonly ends: boolean
}

/** Every key that is used, was within `recentMs` or is retired. */
export async function listKeys(db: Kysely<OutboxDatabase>, recentMs: number): Promise<KeyUsage[]> {
  const { rows } = await sql<KeyUsage>`
    select kid, unsettled::float8, dead::float8, accepted_recently::float8, last_accepted_at, needed_until, retired_at,
      retired_at is not null and (unsettled + dead > 0 or coalesce(last_accepted_at > retired_at, false)) as in_use_again
    from risc.key_usage(${milliseconds(recentMs)})`.execute(db)
  return rows
}

/** Retires a key unless SETs depend on it, those of open transactions included, which it waits for. */
export async function retireKey(db: Kysely<OutboxDatabase>, kid: string, recentMs: number): Promise<Retirement> {
  const { rows } = await db
    .transaction()
    .setIsolationLevel('read committed') // to see what commits while it waits
    .execute(async (trx) => {
      await sql`set local statement_timeout = 0`.execute(trx) // it waits longer than a role's may be, and ends by itself
      return sql<Retirement>`
        select retired, unsettled::float8, dead::float8, accepted_recently::float8, needed_until,
          coalesce(needed_until > clock_timestamp(), false) as ends
        from risc.retire_key(${kid}, ${milliseconds(recentMs)})`.execute(trx)
    })
  const [retirement] = rows
  if (retirement === undefined) throw new TypeError('risc.retire_key always answers')
  return retirement
}

function milliseconds(ms: number) {
  return sql`${ms}::float8 * interval '1 millisecond'`
}
