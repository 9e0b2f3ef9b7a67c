import { cpus, release, totalmem, type } from 'node:os'
import type { Pool } from 'pg'

/** Where figures come from: figures of two machines are not to be compared. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly system: string
  readonly node: string
}

const GB = 2 ** 30
const SETTINGS = ['fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_connections']

export function describeMachine(): Machine {
  const cores = cpus()
  return {
    cpu: cores[0]?.model ?? 'unknown',
    cores: cores.length,
    memoryGb: Math.round(totalmem() / GB),
    system: `${type()} ${release()}`,
    node: process.version,
  }
}

/** The server's version, and its settings that matter. */
export async function describePostgres(pool: Pool): Promise<string> {
  const { rows } = await pool.query(
    `select 'PostgreSQL ' || current_setting('server_version') || ', ' ||
       string_agg(name || ' ' || current_setting(name), ', ') as described
     from unnest($1::text[]) name`,
    [SETTINGS],
  )
  return rows[0].described
}
