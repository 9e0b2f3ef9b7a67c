import type { Argument, Command, Option } from 'commander'

/** A command as a shell completes it. */
export interface CommandNode {
  /** The words that name it, each after a blank, as in ` stream add`; empty for the program itself. */
  readonly path: string
  readonly name: string
  readonly description: string
  readonly commands: readonly CommandNode[]
  readonly options: readonly OptionNode[]
  /** What its arguments can be, if that is known. */
  readonly values: Values | undefined
}

export interface OptionNode {
  readonly long: string
  readonly short: string | undefined
  readonly description: string
  /** What it can be; `undefined` if it takes no value. */
  readonly values: Values | undefined
}

/** What can stand in a place: some words, the streams there are, a file's name, or nobody knows. */
export type Values =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'streams' }
  | { readonly kind: 'files' }
  | { readonly kind: 'unknown' }

/** Reads what there is to complete from the program itself. */
export function readTree(command: Command, path = ''): CommandNode {
  const help = command.createHelp()
  return {
    path,
    name: command.name(),
    description: command.description(),
    commands: help.visibleCommands(command).map((child) => readTree(child, `${path} ${child.name()}`)),
    options: help.visibleOptions(command).map(readOption),
    values: command.registeredArguments.map((argument) => readArgument(argument, command))[0],
  }
}

/** The node and all below it. */
export function flatten(node: CommandNode): CommandNode[] {
  return [node, ...node.commands.flatMap(flatten)]
}

function readOption(option: Option): OptionNode {
  const takesValue = option.required || option.optional
  return {
    long: option.long ?? option.flags,
    short: option.short,
    description: option.description,
    values: takesValue ? readValues(option.argChoices, placeholderOf(option.flags)) : undefined,
  }
}

/** What `add` calls an id is none yet. */
function readArgument(argument: Argument, command: Command): Values {
  return readValues(argument.argChoices, command.name() === 'add' ? '' : argument.name())
}

function placeholderOf(flags: string): string {
  return /<(.*)>$/.exec(flags)?.[1] ?? ''
}

/** An `id` is a stream's, everywhere: what has ids of another kind gives its argument another name. */
function readValues(choices: readonly string[] | undefined, placeholder: string): Values {
  if (choices !== undefined) return { kind: 'words', words: choices }
  if (placeholder === 'id') return { kind: 'streams' }
  return { kind: placeholder.split('|').includes('file') ? 'files' : 'unknown' }
}
