import type { Pool } from 'pg'

/** As long as an RS256-signed SET of one event. */
export const STAND_IN: string = 'x'.repeat(900)

/** SQL for an identifier like those of `newJti`: 32 hex digits, those of the same moment next to each other. */
export const NEW_ID =
  '(to_hex((extract(epoch from clock_timestamp()) * 1000000)::bigint) || left(md5(random()::text), 19))'

/** How many deliveries each stream is to have, and from when on they may be sent, in milliseconds since 1970. */
export interface Backlog {
  readonly perStream: number
  readonly dueAt?: number
}

/**
 * Deliveries as `enqueue` writes them, each in a transaction of its own and about a user of its own, for all streams in turns,
 * with a stand-in for the SET.
 */
export async function addBacklog(
  pool: Pool,
  streamIds: readonly string[],
  { perStream, dueAt }: Backlog,
): Promise<void> {
  await pool.query(
    `insert into risc.deliveries (stream_id, jti, txn, event_type, kid, order_key, signed_set, due_at, created_at)
     select id, ${NEW_ID}, ${NEW_ID}, 'https://events.example/changed', 'key', hashtextextended(${NEW_ID}, n), $4,
       coalesce(to_timestamp($3::float8 / 1000), clock_timestamp()), clock_timestamp()
     from generate_series(1, $2::integer) n, unnest($1::text[]) id`,
    [streamIds, perStream, dueAt, STAND_IN],
  )
}
