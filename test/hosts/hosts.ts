import { play } from './play.ts'
import { countLeft, listSettled } from './queries.ts'
import { setStage } from './stage.ts'
import { printFailures, printTable } from './table.ts'
import { countNeedlessDuplicates, type Evidence, judge } from './verdict.ts'
import { type WatchedStage, watch } from './watch.ts'

const WITHIN_MS = 180_000 // three times what it takes

await using cleanup = new AsyncDisposableStack()
const stage = watch(await setStage(cleanup), WITHIN_MS)
try {
  await Promise.race([run(stage), ...stage.workers.map(({ died }) => died)])
} catch (error) {
  console.error(error)
  for (const { recentLog } of stage.workers) console.error(recentLog())
  process.exitCode = 1
}

async function run(stage: WatchedStage): Promise<void> {
  const phases = await play(stage)
  const evidence = await gather(stage)
  printTable(phases, evidence)
  printFailures(evidence)
  console.log(`duplicates that no failed attempt and no lost worker explains: ${countNeedlessDuplicates(evidence)}`)
  const problems = judge(evidence)
  for (const problem of problems) console.error(`BAD: ${problem}`)
  if (problems.length > 0) process.exitCode = 1
  else console.log('nothing lost, every duplicate with the same bytes, every attempt on record, workers ended in order')
}

/** Ends the workers and looks at what is on record then. */
async function gather({ pool, producer, receivers, workers, stranded }: WatchedStage): Promise<Evidence> {
  const exits = await Promise.all(workers.map(({ stop }) => stop()))
  const { committed, rolledBack } = producer
  const { arrivals } = receivers
  const [settled, left] = [await listSettled(pool), await countLeft(pool)]
  return { committed, rolledBack, arrivals, settled, workers, stranded, left, exits }
}
