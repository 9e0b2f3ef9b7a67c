import { parseArgs } from 'node:util'
import type { Findings } from './findings.ts'

type Numbers = Readonly<Record<string, number>>

/** One part of `pnpm bench`. All its options are whole numbers greater than zero. */
export interface Part {
  readonly name: string
  readonly about: string
  /** How long it takes with its defaults on two cores. */
  readonly minutes: number
  readonly options: Numbers
  /** What `--quick` changes of them: enough to see that it works, too little to measure anything. */
  readonly quick: Numbers
  run(options: Numbers): Promise<Findings>
}

/** A part whose `run` gets its options by their names. */
export interface PartOf<Options extends Numbers> extends Omit<Part, 'options' | 'quick' | 'run'> {
  readonly options: Options
  readonly quick: Partial<Options>
  run(options: Options): Promise<Findings>
}

export function definePart<Options extends Record<string, number>>({ run, ...part }: PartOf<Options>): Part {
  return { ...part, quick: part.quick as Numbers, run: (options) => run(options as Options) }
}

/** Reads `--rounds 3 --quick` and the like; `undefined` for anything that is no option of the part. */
export function readOptions(part: Pick<Part, 'options' | 'quick'>, args: readonly string[]): Numbers | undefined {
  const known = Object.fromEntries(Object.keys(part.options).map((name) => [name, { type: 'string' } as const]))
  try {
    const { values } = parseArgs({ args: [...args], options: { ...known, quick: { type: 'boolean' } } })
    const { quick, ...given } = values
    const numbers = Object.fromEntries(Object.entries(given).map(([name, text]) => [name, Number(text)]))
    const options = { ...part.options, ...(quick && part.quick), ...numbers }
    return Object.values(options).every((value) => Number.isInteger(value) && value > 0) ? options : undefined
  } catch {
    return undefined
  }
}

export function usage({ name, options }: Pick<Part, 'name' | 'options'>): string {
  const named = Object.entries(options).map(([option, value]) => `[--${option} ${value}]`)
  return ['usage: pnpm bench', name, ...named, '[--quick]'].join(' ')
}
