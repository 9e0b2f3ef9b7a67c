import { showsColours } from './colour.ts'
import type { World } from './world.ts'

/** What can be shown where data goes. A file or a pipe takes lines of any length. */
export interface Terminal {
  readonly columns?: number
  readonly rows?: number
  readonly colours: boolean
}

/** Looks at stdout as it is now: a terminal may be resized. */
export function terminalOf({ stdout, env }: Pick<World, 'stdout' | 'env'>): Terminal {
  const colours = showsColours(stdout, env)
  // Where nobody has told a terminal its size it says 0.
  return stdout.isTTY ? { columns: stdout.columns || 80, rows: stdout.rows || 24, colours } : { colours }
}
