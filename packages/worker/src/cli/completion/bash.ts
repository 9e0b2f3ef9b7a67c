import { type CommandNode, flatten, type OptionNode, type Values } from './tree.ts'

/** Writes the completion of a program for bash, 3.2 or newer. */
export function bashScript(program: CommandNode): string {
  const nodes = flatten(program)
  return `# Completes ${program.name} in bash.
_risc_worker() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} at='' word words files=''
  if [[ $current == = ]]; then
    current=''
  elif [[ $previous == = ]]; then
    previous=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
    case "$at $word" in
${nodes
  .slice(1)
  .map(({ path }) => `      '${path}') at='${path}' ;;\n`)
  .join('')}    esac
  done
  case "$at $previous" in
${nodes.flatMap((node) => node.options.flatMap((option) => valueCase(node, option))).join('')}    *)
      case "$at" in
${nodes.map(nodeCase).join('')}      esac
      ;;
  esac
  COMPREPLY=()
  if [[ $files ]]; then
    compopt -o filenames 2>/dev/null # from bash 4 on
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$current")
  fi
  for word in $words; do
    if [[ $word == "$current"* ]]; then COMPREPLY+=("$word"); fi
  done
}
complete -F _risc_worker ${program.name}
`
}

function valueCase({ path }: CommandNode, { long, values }: OptionNode): string[] {
  if (values === undefined) return []
  return [`    '${path} ${long}') ${values.kind === 'files' ? 'files=1' : `words=${wordsOf(values)}`} ;;\n`]
}

function nodeCase({ path, commands, options, values }: CommandNode): string {
  const flags = `'${options.map(({ long }) => long).join(' ')}'`
  const words = commands.length > 0 ? `'${commands.map(({ name }) => name).join(' ')}'` : wordsOf(values)
  if (words === NOTHING && values === undefined) return `        '${path}') words=${flags} ;;\n`
  return `        '${path}') if [[ $current == -* ]]; then words=${flags}; else words=${words}; fi ;;\n`
}

const NOTHING = "''"

function wordsOf(values: Values | undefined): string {
  switch (values?.kind) {
    case 'words':
      return `'${values.words.join(' ')}'`
    case 'streams':
      return '$("$1" stream-ids 2>/dev/null)'
    default:
      return NOTHING
  }
}
