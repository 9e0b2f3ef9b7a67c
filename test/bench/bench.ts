import type { Part } from './part.ts'
import { readOptions, usage } from './part.ts'
import { showFindings } from './results.ts'

/** In the order in which `pnpm bench` runs them, but those that are run by their names alone. */
const parts: Readonly<Record<string, () => Promise<{ part: Part }>>> = {
  sign: () => import('./sign.ts'),
  enqueue: () => import('./enqueue.ts'),
  deliver: () => import('./deliver.ts'),
  latency: () => import('./latency.ts'),
  isolation: () => import('./isolation.ts'),
  neighbours: () => import('./neighbours.ts'),
  crash: () => import('./crash.ts'),
  backlog: () => import('./backlog-rate.ts'),
  history: () => import('./history.ts'),
  snapshot: () => import('./snapshot.ts'),
  scale: () => import('./scale.ts'),
  idle: () => import('./idle.ts'),
  soak: () => import('./soak.ts'),
  profile: () => import('./profile.ts'),
  passes: () => import('./passes.ts'),
  redrive: () => import('./redrive.ts'),
}

const BY_NAME_ALONE = new Set(['passes', 'redrive'])

const [name = '', ...args] = process.argv.slice(2)
if (name === 'report') {
  const { writeReport } = await import('./report.ts')
  await writeReport()
} else if (name === '' || name.startsWith('--')) {
  for (const one of Object.keys(parts).filter((one) => !BY_NAME_ALONE.has(one)))
    await runPart(one, process.argv.slice(2))
} else if (name in parts) {
  await runPart(name, args)
} else {
  console.error(`usage: pnpm bench [${Object.keys(parts).join('|')}|report] [--quick]`)
  process.exitCode = 64
}

/** A broken promise is the exit code's business; a part that cannot be measured stops no other. */
async function runPart(one: string, args: readonly string[]): Promise<void> {
  const { part } = (await parts[one]?.()) ?? {}
  if (part === undefined) return
  const options = readOptions(part, args)
  if (options === undefined) {
    console.error(usage(part))
    process.exitCode = 64
    return
  }
  console.error(`${part.name}: ${part.about}; about ${part.minutes} minutes without --quick`)
  const startedAt = performance.now()
  try {
    const findings = await part.run(options)
    const seconds = (performance.now() - startedAt) / 1000
    await showFindings(part.name, { options, seconds, quick: args.includes('--quick') }, findings)
    if (findings.verdicts.some(({ kept }) => !kept)) process.exitCode ||= 1
  } catch (error) {
    console.error(`${part.name} could not be measured:`, error)
    process.exitCode = 1
  }
}
