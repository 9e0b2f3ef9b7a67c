import { createCleanup } from './cleanup.ts'
import { LastAdministratorError } from './idp/user-changes.ts'
import { print, printHeading, printSet, printTable } from './print.ts'
import { type Stage, setStage } from './stage.ts'
import { type Scene, story } from './story.ts'
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

  printHeading('Users change, SETs arrive')
  for (const scene of story) await happen(scene, stage)
  await printView('risc.pending, while benefits is busy', listPending(stage.db))
  printHeading('The rest arrives')
  await waitUntil('nothing is owed, so that nothing can arrive any more', stage.workers, async () => {
    const owed = await listPending(stage.db)
    return owed.length === 0
  })

  printHeading('One event, as taxes (login.gov) and benefits (ssf) were told')
  for (const { jwt, partner, user, attempt } of stage.arrivals.all) {
    if (user === 'ada' && attempt === 1 && partner.id !== 'parks') printSet(partner.id, jwt)
  }
  await printView('risc.history', listHistory(stage.db))
  await printView('risc.dead', listDead(stage.db))
  await printView('risc.stream_health', listHealth(stage.db))

  printHeading('What should have arrived, and what did')
  const good = judge(story, stage.arrivals.all, await listEnds(stage.db))
  exitCode = good ? 0 : 1
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  if (good) print('good', `everything that should arrive did, and nothing else, in ${seconds} s`, 'green')
  else print('BAD', `not what should have happened, in ${seconds} s`, 'red')
  if (keep) await stayUp(stage)
}

/** Lets one scene happen, and waits until each of its SETs has been tried once. */
async function happen({ title, act, rollsBack = false }: Scene, { idp, arrivals, workers }: Stage): Promise<void> {
  try {
    const { txn, deliveries } = await act(idp)
    const jtis = deliveries.map(({ jti }) => jti)
    arrivals.committed(jtis)
    print('COMMIT', `${title} (txn ${txn.slice(0, 8)}, SETs: ${deliveries.length})`, 'bold')
    await waitUntil('each SET has been tried', workers, async () => arrivals.haveCome(jtis))
  } catch (error) {
    if (!rollsBack || !(error instanceof LastAdministratorError)) throw error
    print('ROLLBACK', `${title} (nobody may ever hear of it)`, 'bold')
  }
}

async function printView(title: string, view: Promise<readonly Readonly<Record<string, unknown>>[]>): Promise<void> {
  const rows = await view
  printHeading(title)
  printTable(rows)
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
