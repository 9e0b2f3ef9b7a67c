import { styleText } from 'node:util'
import type { Environment } from '../config.ts'
import type { Output } from './world.ts'

export type Colour = 'bold' | 'green' | 'red' | 'yellow'

/** Tells whether colours would be seen: on a terminal, unless the environment wants it otherwise (no-color.org). */
export function showsColours(out: Output, env: Environment): boolean {
  const { FORCE_COLOR: forced, NO_COLOR: unwanted } = env
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false'
  if (unwanted !== undefined && unwanted !== '') return false
  return out.isTTY === true && env['TERM'] !== 'dumb'
}

export function paint(text: string, colour: Colour): string {
  return styleText(colour, text, { validateStream: false }) // it would ask the process instead of the world
}
