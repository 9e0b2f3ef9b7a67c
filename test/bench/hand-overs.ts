import type { Pool } from 'pg'

/** When a delivery was handed to the fleet, and when a worker with a free slot claimed it. */
export interface HandOver {
  readonly dispatchedAt: number
  readonly claimedAt: number
}

/** Makes the database remember the hand-overs of the streams whose ids begin with `prefix`: settle forgets them. */
export async function keepHandOvers(pool: Pool, prefix: string): Promise<void> {
  await pool.query(`
    create unlogged table public.bench_hand_overs (delivery_id bigint, dispatched_at timestamptz, claimed_at timestamptz);
    create function bench_keep_hand_over() returns trigger language plpgsql as $$
    begin
      insert into public.bench_hand_overs values (old.delivery_id, old.dispatched_at, old.claimed_at);
      return null;
    end $$;
    create trigger bench_keep_hand_over after delete on risc.inflight
      for each row when (starts_with(old.stream_id, '${prefix}')) execute function bench_keep_hand_over()`)
}

/** The hand-overs of what was accepted since the last time, by `jti`. */
export async function takeHandOvers(pool: Pool): Promise<Map<string, HandOver>> {
  const { rows } = await pool.query(
    `with taken as (delete from bench_hand_overs returning *)
     select h.jti, extract(epoch from t.dispatched_at)::float8 * 1000 as dispatched,
       extract(epoch from t.claimed_at)::float8 * 1000 as claimed
     from taken t join risc.history h using (delivery_id)`,
  )
  return new Map(rows.map(({ jti, dispatched, claimed }) => [jti, { dispatchedAt: dispatched, claimedAt: claimed }]))
}
