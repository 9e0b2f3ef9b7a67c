import { parseArgs } from 'node:util'

/** How long and how hard to try. */
export interface RedriveOptions {
  readonly rounds: number
  /** Dead letters, of all streams together. */
  readonly dead: number
  /** For how long live events come, in each turn. */
  readonly seconds: number
}

const DEFAULTS = { rounds: 3, dead: 10_000, seconds: 60 }

export const USAGE: string = `usage: pnpm bench redrive ${Object.entries(DEFAULTS)
  .map(([name, value]) => `[--${name} ${value}]`)
  .join(' ')}`

/** Reads `--dead 100000` and the like; `undefined` for anything else. */
export function readOptions(args: readonly string[]): RedriveOptions | undefined {
  try {
    const option = { type: 'string' } as const
    const { values } = parseArgs({ args: [...args], options: { rounds: option, dead: option, seconds: option } })
    const options = {
      rounds: Number(values.rounds ?? DEFAULTS.rounds),
      dead: Number(values.dead ?? DEFAULTS.dead),
      seconds: Number(values.seconds ?? DEFAULTS.seconds),
    }
    return Object.values(options).every((value) => Number.isInteger(value) && value > 0) ? options : undefined
  } catch {
    return undefined
  }
}
