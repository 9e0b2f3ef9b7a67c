import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type Findings, textTable, verdictText } from './findings.ts'
import { describeMachine, type Machine } from './machine.ts'
import { drawPlot } from './plot.ts'

/** How a part was run. */
export interface Run {
  readonly options: Readonly<Record<string, number>>
  readonly seconds: number
  readonly quick: boolean
}

/** A file of `bench-results/`. */
export interface Result extends Run, Findings {
  readonly part: string
  readonly machine: Machine
  readonly measuredAt: string
}

export const RESULTS: URL = new URL('../../bench-results/', import.meta.url)

/** Prints what a part found, and keeps it as JSON and SVG. */
export async function showFindings(part: string, run: Run, findings: Findings): Promise<void> {
  const result: Result = { part, machine: describeMachine(), measuredAt: new Date().toISOString(), ...run, ...findings }
  const { cpu, cores, memoryGb, system, node } = result.machine
  console.log(`\n${part}: ${cpu}, ${cores} cores, ${memoryGb} GB, ${system}, Node ${node}; ${run.seconds.toFixed(0)} s`)
  if (findings.postgres) console.log(findings.postgres)
  for (const table of findings.tables) console.log(`\n${textTable(table)}`)
  for (const note of findings.notes ?? []) console.log(note)
  for (const verdict of findings.verdicts) console.log(verdictText(verdict))

  await mkdir(RESULTS, { recursive: true })
  const name = `${part}${versionSuffix(findings.postgres)}`
  await writeFile(new URL(`${name}.json`, RESULTS), `${JSON.stringify(result, undefined, 2)}\n`)
  if (findings.plot) await writeFile(new URL(`${name}.svg`, RESULTS), `${await drawPlot(findings.plot)}\n`)
  console.error(`kept in ${fileURLToPath(RESULTS)}${name}.json`)
}

/** A server that was given may be of another version than the embedded one: its figures stand beside the others. */
function versionSuffix(postgres: string | undefined): string {
  const major = process.env['TEST_DATABASE_URL'] ? postgres?.match(/PostgreSQL (\d+)/)?.[1] : undefined
  return major ? `-pg${major}` : ''
}
