import { createProgram } from '../../../packages/worker/src/cli/main.ts'
import type { World } from '../../../packages/worker/src/cli/world.ts'

/** Where no database is, and a password. */
export const NOWHERE = { DATABASE_URL: 'postgres://risc:hunter2@127.0.0.1:1/idp' }

export type Command = ReturnType<typeof createProgram>

const write = (): undefined => undefined
/** Sees and says nothing. */
export const DEAF: World = {
  env: NOWHERE,
  stdout: { write },
  stderr: { write },
  readStdin: async () => '',
  hostname: 'host-1',
  pid: 42,
  onSignal: () => undefined,
  onResize: () => undefined,
  onKey: () => () => undefined,
  onUnhandledRejection: () => undefined,
  exit: () => undefined,
}

/** A command that people can run. */
export interface Leaf {
  readonly name: string
  readonly words: readonly string[]
  readonly command: Command
}

/** Every command that people can run, by its words. */
export function leaves(command: Command, words: readonly string[] = []): Leaf[] {
  const children = command.createHelp().visibleCommands(command)
  const own = children.filter((child) => child.name() !== 'help')
  if (own.length === 0) return [{ name: words.join(' '), words, command }]
  return own.flatMap((child) => leaves(child, [...words, child.name()]))
}

/** All of them. */
export const LEAVES: readonly Leaf[] = leaves(createProgram(DEAF))
