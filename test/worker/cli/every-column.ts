import type { Pool } from 'pg'

/** Every row of every table of our schemas as text, by table; the tokens in them are read too. */
export async function everyColumn(pool: Pool): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows: tables } = await pool.query(
    `select c.oid::regclass::text as name from pg_class c
     where c.relnamespace in ('risc'::regnamespace, 'risc_worker'::regnamespace) and c.relkind in ('r', 'p')
     order by 1`,
  )
  const found = new Map<string, string[]>()
  for (const { name } of tables) {
    const { rows } = await pool.query(`select t::text as row from only ${name} t order by 1`)
    found.set(
      name,
      rows.map(({ row }) => readTokens(row)),
    )
  }
  return found
}

/** Replaces what is base64url of JSON by the JSON. */
function readTokens(row: string): string {
  return row.replaceAll(/eyJ[\w-]+/g, (part) => Buffer.from(part, 'base64url').toString())
}
