import { fileURLToPath } from 'node:url'
import { type Child, startChild } from '../child.ts'
import type { SenderOrder } from './contender.ts'

/** Starts `<name>-process.ts` of this folder, with its order. */
export function startSender(name: string, order: SenderOrder): Child {
  return startChild([fileURLToPath(new URL(`${name}-process.ts`, import.meta.url)), JSON.stringify(order)])
}

/** The order that this process was started with. */
export function readOrder(): SenderOrder {
  return JSON.parse(process.argv[2] ?? '{}')
}
