import { type CommandNode, flatten, type Values } from './tree.ts'

/** Writes the completion of a program for fish. */
export function fishScript(program: CommandNode): string {
  const nodes = flatten(program)
  return `# Completes ${program.name} in fish.
function __risc_worker_at
    set -l at ''
    for word in (commandline -opc)[2..]
        switch "$at $word"
            case ${nodes
              .slice(1)
              .map(({ path }) => `'${path}'`)
              .join(' ')}
                set at "$at $word"
        end
    end
    test "$at" = "$argv[1]"
end

function __risc_worker_streams
    set -l words (commandline -opc)
    $words[1] stream-ids 2>/dev/null
end

complete -c ${program.name} -f
${nodes.flatMap((node) => nodeLines(node).map((line) => `complete -c ${program.name} -n '__risc_worker_at "${node.path}"' ${line}\n`)).join('')}`
}

function nodeLines({ commands, options, values }: CommandNode): string[] {
  const places = values === undefined || values.kind === 'unknown' ? [] : [`-a ${wordsOf(values)}`]
  return [
    ...places,
    ...commands.map(({ name, description }) => `-a ${name} -d ${quoted(description)}`),
    ...options.map(({ long, short, description, values: taken }) =>
      [
        ...(short === undefined ? [] : [`-s ${short.slice(1)}`]),
        `-l ${long.slice(2)} -d ${quoted(description)}`,
        ...(taken === undefined ? [] : [taken.kind === 'files' ? '-r -F' : `-x -a ${wordsOf(taken)}`]),
      ].join(' '),
    ),
  ]
}

function wordsOf(values: Values): string {
  switch (values.kind) {
    case 'words':
      return quoted(values.words.join(' '))
    case 'streams':
      return "'(__risc_worker_streams)'"
    case 'files':
    case 'unknown':
      return "''"
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
