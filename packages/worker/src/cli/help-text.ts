const WIDEST = 100
const LEAST_WIDTH = 20

/**
 * Wraps a help text to the width of a terminal: the prose, and what a list says of each word. Examples are left alone, as
 * they are to be copied.
 */
export function wrapHelp(text: string, columns: number): string {
  const width = Math.min(columns, WIDEST)
  return text
    .replaceAll(/^\S.*(?:\n\S.*)*/gm, (paragraph) => wrap(paragraph, width).join('\n'))
    .replaceAll(/^( +\S+ {2,})(\S.*)$/gm, (_, term: string, description: string) => {
      const indent = ' '.repeat(term.length)
      return term + wrap(description, Math.max(width - term.length, LEAST_WIDTH)).join(`\n${indent}`)
    })
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
