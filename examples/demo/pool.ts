import { Pool } from 'pg'

/** Opens a pool that survives the loss of an idle connection: whoever asks next will know. */
export function openPool(databaseUrl: string): Pool {
  return new Pool({ connectionString: databaseUrl }).on('error', () => undefined)
}
