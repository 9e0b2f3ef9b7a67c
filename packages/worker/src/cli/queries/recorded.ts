import { type Kysely, type Selectable, sql } from 'kysely'
import type { OutboxDatabase, RecordedView } from 'risc-outbox'

/** A row of `risc.recorded`, its hashes in hexadecimal. */
export interface RecordedDelivery extends Omit<Selectable<RecordedView>, 'certificate_sha256' | 'set_sha256'> {
  /** Of the certificate that was shown where it was accepted. */
  readonly certificate_sha256: string | null
  readonly set_sha256: string | null
}

/** The deliveries on record of one `jti`, or of one cause, whatever their state. Never selects the SET. */
export function findRecorded(
  db: Kysely<OutboxDatabase>,
  by: { readonly jti: string } | { readonly txn: string },
): Promise<RecordedDelivery[]> {
  const [column, value] = 'jti' in by ? (['jti', by.jti] as const) : (['txn', by.txn] as const)
  return db
    .selectFrom('risc.recorded')
    .select(['jti', 'stream_id', 'event_type', 'txn', 'kid', 'state', 'urgent', 'attempts', 'created_at'])
    .select(['retried_at', 'due_at', 'expires_at', 'dispatched_at', 'probe', 'worker', 'claimed_at'])
    .select(['first_failed_at', 'last_attempt_at', 'status', 'reason', 'description', 'dead_because', 'dead_at'])
    .select([
      'settled_at',
      'connected_to',
      sql<string | null>`encode(certificate_sha256, 'hex')`.as('certificate_sha256'),
    ])
    .select(sql<string | null>`encode(set_sha256, 'hex')`.as('set_sha256'))
    .where(column, '=', value)
    .orderBy('created_at')
    .orderBy('stream_id')
    .orderBy('jti')
    .execute()
}
