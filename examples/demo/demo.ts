import { createCleanup } from './cleanup.ts'
import { happen } from './happen.ts'
import { playOutage } from './outage.ts'
import { print, printHeading, printSet, printView } from './print.ts'
import { type Stage, setStage } from './stage.ts'
import { story } from './story.ts'
import { judge } from './verdict.ts'
import { listDead, listEnds, listHealth, listHistory, listPending } from './views.ts'
import { waitUntil } from './wait-until.ts'

const keep = process.argv.includes('--keep')
const startedAt = performance.now()
const cleanup = createCleanup()
const signalled = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => resolve())
})

let exitCode = 130 // interrupted, until there is a verdict
try {
  await Promise.race([play(), signalled])
} catch (error) {
  console.error(error)
  exitCode = 1
}
printHeading('The end')
await cleanup.run().catch((error: unknown) => {
  console.error(error)
  exitCode = 1
})
process.exit(exitCode)

async function play(): Promise<void> {
  printHeading('The stage')
  const stage = await setStage(cleanup)
  await playStory(stage)
  const outage = await playOutage(stage)
  await untilNothingIsOwed(stage)
  await printView('risc.history', listHistory(stage.db))
  await printView('risc.dead', listDead(stage.db))
  await printView('risc.stream_health', listHealth(stage.db))

  printHeading('What should have arrived, and what did')
  const good = judge({ story, outage, arrivals: stage.arrivals.all, ends: await listEnds(stage.db) })
  exitCode = good ? 0 : 1
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  if (good) print('good', `everything that should arrive did, and nothing else, in ${seconds} s`, 'green')
  else print('BAD', `not what should have happened, in ${seconds} s`, 'red')
  if (keep) await stayUp(stage)
}

async function playStory(stage: Stage): Promise<void> {
  printHeading('Users change, SETs arrive')
  for (const scene of story) {
    const deliveries = await happen(scene, stage)
    const jtis = deliveries.map(({ jti }) => jti)
    await waitUntil('each SET has been tried', stage.workers, async () => stage.arrivals.haveCome(jtis))
  }
  await printView('risc.pending, while benefits is busy', listPending(stage.db))
  printHeading('The rest arrives')
  await untilNothingIsOwed(stage)

  printHeading('One event, as taxes (login.gov) and benefits (ssf) were told')
  for (const { jwt, partner, user, attempt } of stage.arrivals.all) {
    if (user === 'ada' && attempt === 1 && partner.id !== 'parks') printSet(partner.id, jwt)
  }
}

/** Nothing can arrive any more, then. */
async function untilNothingIsOwed({ db, workers }: Stage): Promise<void> {
  await waitUntil('nothing is owed', workers, async () => (await listPending(db)).length === 0)
}

/** Leaves everything running for whoever wants to look around. */
async function stayUp({ databaseUrl }: Stage): Promise<void> {
  printHeading('All goes on until Ctrl-C. Try, in another shell at the root of the repository:')
  console.log(`
  psql '${databaseUrl}' -c 'table risc.dead'

  export DATABASE_URL='${databaseUrl}'
  npx risc-worker status
  npx risc-worker list --state dead
  npx risc-worker retry --dead --stream parks`)
  await signalled
}
