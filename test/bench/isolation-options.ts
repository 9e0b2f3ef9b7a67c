import { parseArgs } from 'node:util'

/** How long and how hard to try. */
export interface IsolationOptions {
  readonly rounds: number
  /** What one stream is owed: a healthy one, beside those in trouble. */
  readonly backlog: number
  /** What that stream may be sent per minute. */
  readonly backlogRate: number
  /** How many streams answer just under their deadline. */
  readonly slow: number
}

const DEFAULTS = { rounds: 3, backlog: 50_000, 'backlog-rate': 1000, slow: 30 }

export const USAGE: string = `usage: pnpm bench isolation ${Object.entries(DEFAULTS)
  .map(([name, value]) => `[--${name} ${value}]`)
  .join(' ')}`

/** Reads `--backlog 1000000` and the like; `undefined` for anything else. */
export function readOptions(args: readonly string[]): IsolationOptions | undefined {
  const numbers: Record<string, number> = { ...DEFAULTS }
  try {
    const option = { type: 'string' } as const
    const options = { rounds: option, backlog: option, 'backlog-rate': option, slow: option }
    const { values } = parseArgs({ args: [...args], options })
    for (const [name, text] of Object.entries(values)) numbers[name] = Number(text)
  } catch {
    return undefined
  }
  const { rounds = 0, backlog = 0, 'backlog-rate': backlogRate = 0, slow = 0 } = numbers
  const wanted = [rounds, backlog, backlogRate, slow]
  return wanted.every((value) => Number.isInteger(value) && value > 0)
    ? { rounds, backlog, backlogRate, slow }
    : undefined
}
