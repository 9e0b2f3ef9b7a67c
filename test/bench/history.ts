import type { Pool } from 'pg'
import { migrate } from 'risc-worker'
import { compareConditions } from './conditions.ts'
import { openPool } from './open-pool.ts'
import { definePart, type Part } from './part.ts'
import { promises } from './promises.ts'
import { onSite, type Site } from './site.ts'

const DAYS = 90
const OTHER = 'bench_with_history'

interface Options extends Record<string, number> {
  readonly rounds: number
  readonly deliveries: number
  readonly settled: number
}

/** Whether deliveries slow down for what was settled: two databases of one server, one with three months of history. */
export const part: Part = definePart<Options>({
  name: 'history',
  about: 'the rate with no history and with ten million settled deliveries',
  minutes: 5,
  options: { rounds: 3, deliveries: 12_000, settled: 10_000_000 },
  quick: { rounds: 1, deliveries: 400, settled: 20_000 },
  run: ({ settled, ...options }) =>
    onSite((site) =>
      withOther(site, async (other) => {
        await addHistory(other.pool, settled)
        return compareConditions(
          site,
          [
            { name: 'no history', prepare: async () => undefined },
            { name: `${settled} settled in ${DAYS} days`, site: other, prepare: async () => undefined },
          ],
          { ...options, judge: (ratio) => [promises.history.judge(ratio)] },
        )
      }),
    ),
})

async function withOther<Result>(site: Site, work: (other: Site) => Promise<Result>): Promise<Result> {
  await site.pool.query(`create database ${OTHER}`)
  const url = new URL(site.databaseUrl)
  url.pathname = OTHER
  const pool = openPool(url.href)
  try {
    await migrate(url.href)
    return await work({ ...site, databaseUrl: url.href, pool })
  } finally {
    await pool.end()
  }
}

/** As settle leaves it, in daily partitions as maintenance makes them. */
async function addHistory(pool: Pool, settled: number): Promise<void> {
  for (let ago = 1; ago <= DAYS; ago++) {
    const { rows } = await pool.query(
      `select format('history_%s', to_char(day, 'YYYYMMDD')) as name, day::text, (day + 1)::text as next
       from (select (now() at time zone 'UTC')::date - $1::integer as day) d`,
      [ago],
    )
    const { name, day, next } = rows[0]
    await pool.query(
      `create table risc.${name} partition of risc.history
       for values from ('${day} 00:00:00+00') to ('${next} 00:00:00+00')`,
    )
    await pool.query(
      `insert into risc.${name} (delivery_id, stream_id, jti, txn, event_type, kid, set_sha256, outcome, status, attempts,
         created_at, settled_at)
       select -n, 'stream-' || 1 + n % 20, md5(n || $1::text), md5($1::text || n), 'https://events.example/changed', 'key',
         sha256(n::text::bytea), 'accepted', 202, 1, settled_at, settled_at
       from generate_series(1, $2::integer) n, lateral (
         select $1::text::timestamp at time zone 'UTC' + n * interval '1 day' / ($2::integer + 1)) t (settled_at)`,
      [day, Math.ceil(settled / DAYS)],
    )
  }
  await pool.query('vacuum analyze risc.history')
}
