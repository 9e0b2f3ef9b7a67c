import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { markdownTable, verdictText } from './findings.ts'
import { drawPlot } from './plot.ts'
import { RESULTS, type Result } from './results.ts'

const REPORT = new URL('../../BENCHMARKS.md', import.meta.url)
const PLOTS = new URL('./plots/', import.meta.url)

/** Writes what `bench-results/` holds between the markers of BENCHMARKS.md, and the plots beside it: no figure is copied by hand. */
export async function writeReport(): Promise<void> {
  const names = (await readdir(RESULTS)).filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -5))
  await mkdir(PLOTS, { recursive: true })
  let text = await readFile(REPORT, 'utf8')
  for (const name of names) {
    const result: Result = JSON.parse(await readFile(new URL(`${name}.json`, RESULTS), 'utf8'))
    if (result.quick) {
      console.error(`${name}: left out, measured with --quick`)
      continue
    }
    if (!text.includes(begin(name))) {
      console.error(`${name}: left out, BENCHMARKS.md has no place for it`)
      continue
    }
    text = putBetween(text, name, reportOf(name, result))
    if (result.plot) await writeFile(new URL(`${name}.svg`, PLOTS), `${await drawPlot(result.plot)}\n`)
  }
  await writeFile(REPORT, text)
}

/** The figures of one part, as Markdown. */
export function reportOf(name: string, { machine, postgres, measuredAt, seconds, ...found }: Result): string {
  const { cpu, cores, memoryGb, system, node } = machine
  const where = [`${cpu}, ${cores} cores, ${memoryGb} GB`, system, `Node ${node}`, ...(postgres ? [postgres] : [])]
  return [
    `*${where.join('; ')}; ${measuredAt.slice(0, 10)}, ${Math.ceil(seconds / 60)} min.*`,
    ...found.tables.map(markdownTable),
    ...(found.plot ? [`![${name}](test/bench/plots/${name}.svg)`] : []),
    ...[...(found.notes ?? []), ...found.verdicts.map(verdictText)].map((line) => `- ${line}`),
  ].join('\n\n')
}

/** Puts `figures` between the markers of a part, whatever was there. */
export function putBetween(text: string, name: string, figures: string): string {
  const [from, to] = [text.indexOf(begin(name)), text.indexOf(end(name))]
  if (from === -1 || to < from) throw new Error(`BENCHMARKS.md lacks the markers of ${name}`)
  return `${text.slice(0, from)}${begin(name)}\n${figures}\n${text.slice(to)}`
}

const begin = (name: string): string => `<!-- bench ${name} -->`
const end = (name: string): string => `<!-- end ${name} -->`
