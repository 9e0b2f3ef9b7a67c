import { type CommandNode, flatten, type OptionNode, type Values } from './tree.ts'

/** Writes the completion of a program for zsh, to be sourced or to lie in a folder of its `fpath`. */
export function zshScript(program: CommandNode): string {
  const nodes = flatten(program)
  return `#compdef ${program.name}
# Completes ${program.name} in zsh.
_risc_worker() {
  local at='' word
  local -a found
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at $word" in
${nodes
  .slice(1)
  .map(({ path }) => `      '${path}') at='${path}' ;;\n`)
  .join('')}    esac
  done
  case "$at \${words[CURRENT-1]}" in
${nodes.flatMap((node) => node.options.flatMap((option) => valueCase(node, option))).join('')}  esac
  case "$at" in
${nodes.map(nodeCase).join('')}  esac
}
if [[ $funcstack[1] == _${program.name} ]]; then
  _risc_worker "$@"
else
  compdef _risc_worker ${program.name}
fi
`
}

function valueCase({ path }: CommandNode, { long, values }: OptionNode): string[] {
  if (values === undefined) return []
  const offer = values.kind === 'files' ? '_files' : `found=(${wordsOf(values)}); compadd -a found`
  return [`    '${path} ${long}') ${offer}; return ;;\n`]
}

function nodeCase({ path, commands, options, values }: CommandNode): string {
  const flags = options.map(({ long, description }) => described(long, description))
  const describeFlags = `found=(${flags.join(' ')}); _describe option found`
  const names = commands.map(({ name, description }) => described(name, description))
  const words = names.length > 0 ? names.join(' ') : wordsOf(values)
  if (words === '' && values === undefined) return `    '${path}') ${describeFlags} ;;\n`
  return `    '${path}')
      if [[ $PREFIX == -* ]]; then ${describeFlags}; else found=(${words}); _describe value found; fi ;;\n`
}

function wordsOf(values: Values | undefined): string {
  switch (values?.kind) {
    case 'words':
      return values.words.join(' ')
    case 'streams':
      return `\${(f)"$($words[1] stream-ids 2>/dev/null)"}`
    default:
      return ''
  }
}

function described(word: string, description: string): string {
  return `'${word}:${description.replaceAll("'", "'\\''")}'`
}
