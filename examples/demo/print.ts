import { inspect, styleText } from 'node:util'

/** One thing in one line; `styleText` leaves colours out where stdout is no terminal. */
export function print(kind: string, text: string, style: Parameters<typeof styleText>[0] = 'cyan'): void {
  console.log(`  ${styleText(style, kind.padEnd(10))} ${text}`)
}

export function printHeading(text: string): void {
  console.log(`\n${styleText('bold', text)}`)
}

/** Prints rows under the names of their columns, as wide as they need to be. */
export function printTable(rows: readonly Readonly<Record<string, unknown>>[]): void {
  const names = Object.keys(rows[0] ?? { '(no rows)': '' })
  const lines = rows.map((row) => names.map((name) => String(row[name] ?? '')))
  const widths = names.map((name, i) => Math.max(name.length, ...lines.map((line) => line[i]?.length ?? 0)))
  const print = (line: readonly string[]) =>
    line
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  console.log(styleText('dim', `  ${print(names)}`))
  for (const line of lines) console.log(`  ${print(line)}`)
}

export async function printView(
  title: string,
  view: Promise<readonly Readonly<Record<string, unknown>>[]>,
): Promise<void> {
  const rows = await view
  printHeading(title)
  printTable(rows)
}

/** Prints the claims of a SET, for people: nothing is verified here. */
export function printSet(kind: string, jwt: string): void {
  const claims: unknown = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())
  const text = inspect(claims, { depth: null, breakLength: 100 })
  print(kind, text.replaceAll('\n', `\n${' '.repeat(13)}`))
}
