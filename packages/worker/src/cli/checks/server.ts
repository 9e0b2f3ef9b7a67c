import type { Kysely } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import { serverProblem } from '../../migrate.ts'
import { formatSpan } from '../duration.ts'
import {
  listUnvacuumed,
  type OldestSnapshot,
  readClock,
  readOldestSnapshot,
  readServer,
  type Server,
  seesAllTransactions,
} from '../queries/server.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

const NEWEST_TESTED = 18
const MOST_CLOCK_DIFFERENCE_MS = 1000
const OLD_SNAPSHOT_SECONDS = 600

/** Checks that the database answers, by a server that a worker can use. */
export async function checkServer(db: Kysely<OutboxDatabase>): Promise<Finding> {
  return judgeServer(await readServer(db))
}

/** Judges a server by what it says of itself. */
export function judgeServer({ version, version_number, read_only }: Server): Finding {
  const check = 'database'
  const tooOld = serverProblem(version_number)
  if (tooOld !== undefined) return problem(check, tooOld, 'upgrade the server')
  if (read_only) {
    return problem(
      check,
      'it can be read only',
      'let DATABASE_URL name the primary, not a standby, and a role that may write',
    )
  }
  if (Math.floor(version_number / 10_000) > NEWEST_TESTED) {
    return warning(
      check,
      `PostgreSQL ${version} answers, newer than any that was tested`,
      'look for a newer risc-worker',
    )
  }
  return ok(check, `PostgreSQL ${version} answers`)
}

/** Compares the clock of this host with the database's. Nothing but people and their logs go by the former. */
export async function checkClock(db: Kysely<OutboxDatabase>): Promise<Finding> {
  const asked = Date.now()
  const now = await readClock(db)
  return judgeClock(now.getTime(), { asked, answered: Date.now() })
}

/** Judges a clock difference, all in milliseconds: the database told its time at some moment between the two here. */
export function judgeClock(
  database: number,
  { asked, answered }: { readonly asked: number; readonly answered: number },
): Finding {
  const check = 'clock'
  const ahead = asked - database
  const behind = database - answered
  const apart = Math.max(ahead, behind)
  if (apart <= MOST_CLOCK_DIFFERENCE_MS) return ok(check, "this host's agrees with the database's")
  return warning(
    check,
    `this host is ${(apart / 1000).toFixed(1)} s ${ahead > behind ? 'ahead of' : 'behind'} the database`,
    'set both by NTP: deliveries go by the database alone, but logs are hard to compare, and certificates may seem invalid',
  )
}

/** Looks for transactions that are open for long: no dead row since their begin can be removed. */
export async function checkSnapshots(db: Kysely<OutboxDatabase>): Promise<Finding> {
  return judgeSnapshot(await readOldestSnapshot(db), await seesAllTransactions(db))
}

/** Judges the oldest snapshot of those that the role sees. */
export function judgeSnapshot(oldest: OldestSnapshot | undefined, seesAll: boolean): Finding {
  const check = 'transactions'
  if (oldest !== undefined && oldest.age_seconds > OLD_SNAPSHOT_SECONDS) {
    return warning(
      check,
      `${oldest.holder} has been open for ${formatSpan(oldest.age_seconds * 1000)}: nothing that died since can be vacuumed`,
      'end it, or let it read from a standby',
    )
  }
  const seen = seesAll ? '' : ' among those of this role; to see all, grant it pg_read_all_stats'
  return ok(check, `none is open for long${seen}`)
}

/** Makes sure that autovacuum is not switched off, without which a queue's tables grow and slow down. */
export async function checkAutovacuum(db: Kysely<OutboxDatabase>): Promise<Finding> {
  const off = await listUnvacuumed(db)
  if (off.length === 0) return ok('autovacuum', 'is on for all tables')
  return problem('autovacuum', `is off: ${off.join(', ')}`, 'switch it on: tables that are never vacuumed become slow')
}
